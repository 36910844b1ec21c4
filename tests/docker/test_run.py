"""docker/run.sh: what it asks of Docker, seen by a stand-in that prints its arguments; no engine is needed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support import PROJECT

DIGEST = "0" * 64
CLIENT = """#!/bin/sh
case "$1 $2" in
"image inspect") [ "$3" = mine:cpu ] ;;
version*) [ -z "${NO_DAEMON:-}" ] ;;
*) printf '%s\\n' "$@" ;;
esac
"""


@pytest.fixture
def mine(tmp_path):
    """A project in a folder whose name has blanks, a comma and an umlaut."""
    folder = tmp_path / "Übung 1, two"
    (folder / "docker").mkdir(parents=True)
    shutil.copy(PROJECT / "docker" / "run.sh", folder / "docker")
    (tmp_path / "client").write_text(CLIENT)
    (tmp_path / "client").chmod(0o755)
    return folder


def run(folder: Path, *words, **changes) -> subprocess.CompletedProcess:
    environment = os.environ | {"DOCKER": str(folder.parent / "client")} | changes
    command = ["docker/run.sh", *(words or ("", "mine:cpu", "verify"))]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def record(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / "data.lock").write_text("".join(f"{DIGEST}  {name}\n" for name in names))


def mounts(folder: Path) -> list[str]:
    done = run(folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:6] == ["run", "--rm", "--network", "none", "--user", f"{os.getuid()}:{os.getgid()}"]
    assert lines[-2:] == ["mine:cpu", "verify"]
    assert lines[6:-2:2] == ["--mount"] * (len(lines[6:-2]) // 2)
    return sorted(lines[7:-2:2])


def test_the_results_folder_is_made_and_mounted(mine):
    done = run(mine, "runs here", "mine:cpu", "train", "x", "--set", "a=b c")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[6:] == [
        "--mount",
        f'type=bind,"source={mine}/runs here","target=/runs"',
        "mine:cpu",
        "train",
        "x",
        "--set",
        "a=b c",
    ]
    assert (mine / "runs here").is_dir()


def test_each_recorded_root_is_mounted_and_what_the_image_holds_is_not(mine):
    assert mounts(mine) == []
    record(mine, "data/a.csv", "data/deep/b.csv", "more data/c", 'say "so"', "src/mine/table.csv", "table.csv")
    assert mounts(mine) == [
        f'type=bind,"source={mine}/{shown}","target=/opt/bitforbit/{shown}",readonly'
        for shown in ("data", "more data", 'say ""so""', "table.csv")
    ]


def test_links_that_leave_are_mounted_where_they_point(mine):
    disk = mine.parent / "disk"
    record(mine, "data/a.csv")
    for name in ("scans", "more"):
        (disk / name).mkdir(parents=True)
    (mine / "data" / "scans").symlink_to(disk / "scans")
    (mine / "data" / "more").symlink_to("../../disk/more")
    (mine / "data" / "b.csv").symlink_to("a.csv")
    (mine / "data" / "dangling").symlink_to("nowhere")
    assert mounts(mine) == [
        f'type=bind,"source={mine}/data","target=/opt/bitforbit/data",readonly',
        f"type=bind,source={disk}/more,target=/opt/disk/more,readonly",
        f"type=bind,source={disk}/scans,target={disk}/scans,readonly",
    ]


def test_a_folder_that_is_a_link_is_mounted_as_what_it_points_to(mine):
    (mine.parent / "disk").mkdir()
    (mine / "data").symlink_to(mine.parent / "disk")
    record(mine, "data/a.csv")
    assert mounts(mine) == [f"type=bind,source={mine.parent}/disk,target=/opt/bitforbit/data,readonly"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("lib/x", "data.lock records files in lib/, where the image has its own. Next step: move them to data/"),
        ("gone/x", "data.lock records gone, found no such file. Next step: bring it back"),
        ("data/etc", "data/etc points to /etc, where the image has its own. Next step: put the files into data/"),
    ],
)
def test_what_cannot_be_mounted_is_named(mine, name, line):
    record(mine, name)
    if name == "data/etc":
        (mine / name).unlink()
        (mine / name).symlink_to("/etc")
    if name == "gone/x":
        shutil.rmtree(mine / "gone")
    done = run(mine)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"docker/run.sh: {line}\n")


def test_no_image_no_daemon_no_client(mine):
    lines = {
        "no image other:cpu here. Next step: make image": run(mine, "", "other:cpu"),
        f"'{mine.parent}/client' does not reach a daemon. Next step: start it, or join the docker group": run(
            mine, "", "other:cpu", NO_DAEMON="1"
        ),
        "no 'nonesuch' found. Next step: install Docker, or set DOCKER": run(mine, DOCKER="nonesuch"),
    }
    for line, done in lines.items():
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"docker/run.sh: {line}\n")

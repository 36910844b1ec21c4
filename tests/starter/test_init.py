"""bitforbit init: shows, never overwrites, writes all or nothing, leaves the script alone."""

import errno
import os
import re
import subprocess
import sys

import pytest
from support import PROJECT, bitforbit

from bitforbit import project as settings
from bitforbit.errors import UsageError
from bitforbit.starter import adopt, place

SCRIPT = "import keras\nprint(keras.__version__)\n"


@pytest.fixture
def mine(tmp_path):
    folder = tmp_path / "My study"
    folder.mkdir()
    (folder / "train.py").write_text(SCRIPT)
    return folder


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_shows_first_and_writes_nothing_unasked(mine):
    done = bitforbit("init", cwd=mine)
    assert (done.returncode, done.stderr) == (2, "nothing was written. Next step: bitforbit init --yes\n")
    lines = done.stdout.splitlines()
    assert lines[0] == "around train.py, which is not touched:"
    assert {"  write  Makefile", "  write  requirements.lock", "  write  pyproject.toml"} <= set(lines)
    assert names(mine) == {"train.py"}


def test_it_writes_what_a_project_needs_and_once(mine):
    done = bitforbit("init", "--yes", cwd=mine)
    assert (done.returncode, done.stderr) == (0, "")
    assert (mine / "train.py").read_text() == SCRIPT
    for name in ("bitforbit.mk", "requirements.lock", "docker/build.sh", "src/bitforbit/cli.py"):
        assert (mine / name).read_bytes() == (PROJECT / name).read_bytes()
        assert (mine / name).stat().st_mode == (PROJECT / name).stat().st_mode
    images = re.findall(r"[\w-]+:(?:cpu|cuda)\b", "".join((mine / name).read_text() for name in adopt.RECIPES))
    assert images == ["-my-study:cpu", "-my-study:cuda", "my-study:cuda", "my-study:cuda"]
    assert not [
        name for name in names(mine) if "__pycache__" in name or "_build" in name or name.startswith(".bitforbit")
    ]
    listed = subprocess.run(["make", "help"], cwd=mine, capture_output=True, text=True, check=True).stdout
    assert "  make run " in listed and "  make docker-run " in listed
    assert settings.settings(mine).scripts == {"train.py": []}
    assert "IMAGE ?= my-study\nSCRIPT ?= train.py\n" in (mine / "Makefile").read_text()
    again = bitforbit("init", "--yes", cwd=mine)
    assert again.stdout == "around train.py, which is not touched:\nnothing to write: all is there\n"


def test_files_of_the_users_stay(mine):
    (mine / "Makefile").write_text("all:\n")
    (mine / "requirements.in").write_text("keras\n")
    (mine / "pyproject.toml").write_text("[project]\n")
    done = bitforbit("init", "--yes", cwd=mine)
    assert done.returncode == 0
    assert (
        "  keep   Makefile: yours. add to it: WORK := /work   and: include bitforbit.mk   (or use: make -f bitforbit.mk WORK=/work)\n"
        in done.stdout
    )
    advice = 'add to it: [tool.bitforbit.scripts] "train.py" = []   and: [tool.ruff] extend-exclude = ["src/bitforbit", "docker"]'
    assert f"  keep   pyproject.toml: yours. {advice}\n" in done.stdout
    assert (mine / "Makefile").read_text() == "all:\n" and (mine / "requirements.in").read_text() == "keras\n"


def test_a_file_in_the_machinerys_place_is_refused_before_anything_is_written(mine):
    (mine / "docker").mkdir()
    (mine / "docker" / "Dockerfile").write_text("FROM scratch\n")
    done = bitforbit("init", "--yes", cwd=mine)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "bitforbit init: found files where bitforbit's own must stand, nothing was written: docker/Dockerfile."
        " Next step: move them away\n"
    )
    assert names(mine) == {"train.py", "docker/Dockerfile"}


def test_which_script_must_be_clear(tmp_path):
    line = f"bitforbit init: expected one script that imports keras or tensorflow in {tmp_path}, found "
    assert bitforbit("init", cwd=tmp_path).stderr == f"{line}none. Next step: bitforbit init SCRIPT.py\n"
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("import tensorflow as tf\n")
    assert bitforbit("init", cwd=tmp_path).stderr == f"{line}several: a.py, b.py. Next step: bitforbit init SCRIPT.py\n"
    assert bitforbit("init", "no.py", cwd=tmp_path).returncode == 2
    (tmp_path / "a$(b).py").write_text("import keras")
    (tmp_path / "here").mkdir()
    for name, text in (("../a.py", "expected a script in"), ("../a$(b).py", "in"), (tmp_path / "a.py", "in")):
        done = bitforbit("init", name, "--yes", cwd=tmp_path / "here")
        assert (done.returncode, done.stdout) == (2, "") and text in done.stderr
    assert adopt.find_script(tmp_path, str(tmp_path / "a.py")) == "a.py"
    with pytest.raises(UsageError, match="a Makefile can hold"):
        adopt.find_script(tmp_path, "a$(b).py")


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_a_failure_half_way_leaves_nothing(mine, monkeypatch, failure):
    chosen = adopt.plan(PROJECT, mine, "train.py")
    real, count = os.link, []

    def link(source, target):
        count.append(target)
        if len(count) == len(chosen.write) - 1:
            raise failure
        real(source, target)

    monkeypatch.setattr(place.os, "link", link)
    with pytest.raises(type(failure)):
        place.write(chosen.write, mine)
    assert [path.name for path in mine.rglob("*")] == ["train.py"]


KILLED = """
import os, shutil, signal, sys
from bitforbit import cli
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it starts in the background ignore it
module = {"copy": shutil, "link": os}[sys.argv[1]]
stock, count = getattr(module, sys.argv[1]), []

def stop(source, target):
    stock(source, target)
    count.append(target)
    if len(count) == 100:
        os.kill(os.getpid(), getattr(signal, sys.argv[2]))

setattr(module, sys.argv[1], stop)
sys.exit(cli.main(["init", "--yes"]))
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("moment", ["copy", "link"])
def test_after_a_signal_all_is_there_or_nothing_or_the_next_call_goes_on(mine, moment, name):
    whole = adopt.plan(PROJECT, mine, "train.py").write.keys() | {"train.py"}
    done = subprocess.run([sys.executable, "-c", KILLED, moment, name], cwd=mine, capture_output=True, text=True)
    assert done.returncode not in (0, 1)
    if name != "SIGKILL":
        assert names(mine) == ({"train.py"} if moment == "copy" else whole)
        return
    assert len(names(mine)) > 100
    again = bitforbit("init", "--yes", cwd=mine)
    assert again.returncode == 0 and "keep" not in again.stdout
    assert names(mine) == whole


def test_a_file_system_without_hard_links_will_do(mine, monkeypatch):
    (mine / "bitforbit.mk").write_bytes((PROJECT / "bitforbit.mk").read_bytes())
    chosen = adopt.plan(PROJECT, mine, "train.py")

    def link(source, target):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(place.os, "link", link)
    place.write(chosen.write, mine)
    assert names(mine) == chosen.write.keys() | {"train.py", "bitforbit.mk"}
    assert (mine / "docker/build.sh").stat().st_mode == (PROJECT / "docker/build.sh").stat().st_mode
    assert (mine / "src/bitforbit/cli.py").read_bytes() == (PROJECT / "src/bitforbit/cli.py").read_bytes()
    (mine / "bitforbit.mk").unlink()
    with pytest.raises(FileExistsError):
        place.write({"bitforbit.mk": "all:", "train.py": ""}, mine)
    assert (mine / "train.py").read_text() == SCRIPT and not (mine / "bitforbit.mk").exists()

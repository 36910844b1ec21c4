"""SIGKILL at random moments, and a full disk: the same command again ends with the same digests, and leaves no debris.

`make test-kills` runs 24 kills; the ordinary tests run one of each kind. The moments are drawn from a printed seed.
"""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import PROJECT, bitforbit, clean_environment

from . import clusters

SEEDS = "0-2"
TINY = ("sequence", "--set", "epochs=30", "--seeds", SEEDS)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The digests of an undisturbed pool, and how long it took."""
    began = time.monotonic()
    done = bitforbit("replicate", *TINY, "--fresh", "--runs", tmp_path_factory.mktemp("quiet"), "--json")
    return digests(done), time.monotonic() - began


def digests(done):
    assert done.returncode == 0, done.stderr
    return {row["seed"]: row["digest"] for row in json.loads(done.stdout)["replicates"]}


def start(root, *words):
    command = [sys.executable, "-m", "bitforbit", "replicate", *TINY, "--runs", root, "--json", *words]
    return subprocess.Popen(
        list(map(str, command)), cwd=PROJECT, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip


def offspring(process):
    """The pool's processes below the one that was started: the warm parent and what it forked."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            with contextlib.suppress(OSError, IndexError), open(f"/proc/{entry}/stat") as file:
                found[int(entry)] = int(file.read().rsplit(")", 1)[1].split()[1])
    below, family = {process.pid}, []
    while more := [pid for pid, parent in found.items() if parent in below and pid not in below]:
        below |= set(more)
        family += more
    return family


def folders(root):
    return sorted(path.name for path in next(root.glob("sequence/*")).iterdir())  # noqa: BFB401 there is only one


def finish(root, expected, *words):
    """Whatever stands is whole; the rerun ends as if nothing had been, and sweeps."""
    for folder in filter(Path.is_dir, root.glob("sequence/*/seed-*")):
        names = {path.name for path in folder.iterdir()}
        assert {"result.json", "run.json", "model.keras"} <= names, folder
    assert digests(bitforbit("replicate", *TINY, "--runs", root, "--json", *words)) == expected
    left = [name for name in folders(root) if name not in ("statistics.json", "seeds.png", "seeds.svg")]
    assert left == [f"seed-{seed}" for seed in range(3)]


def worker(root, moment, expected):
    """A replicate is killed: the pool starts it again by itself."""
    process = start(root, "--jobs", 2)
    time.sleep(moment)
    family = offspring(process)
    if family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(family[-1], signal.SIGKILL)
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert {row["seed"]: row["digest"] for row in json.loads(out)["replicates"]} == expected
    finish(root, expected)


def parent(root, moment, expected):
    """The pool itself is killed: everything it started dies with it."""
    process = start(root, "--jobs", 2)
    time.sleep(moment)
    family = offspring(process)
    process.kill()
    process.communicate()
    clusters.wait_for(lambda: not [pid for pid in family if running(pid)])
    finish(root, expected)


def running(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def scheduler(root, moment, expected):
    """Dask's scheduler is killed: a clear error, and a new scheduler goes on."""
    with clusters.dask(root.parent / f"{root.name}-dask", workers=2) as cluster:
        engine = ("--engine", "dask", "--scheduler", cluster.address)
        process = start(root, *engine)
        time.sleep(moment)
        cluster.kill(cluster.scheduler)
        _, errors = process.communicate(timeout=120)
        if process.returncode:
            assert process.returncode == 2
            assert re.search(r"expected (the|a) Dask scheduler at ", errors), errors
            assert "Traceback" not in errors, errors
    with clusters.dask(root.parent / f"{root.name}-dask-2", workers=2) as cluster:
        (root / "sequence").mkdir(parents=True, exist_ok=True)
        finish(root, expected, "--engine", "dask", "--scheduler", cluster.address)


def dask_worker(root, moment, expected):
    """A Dask worker is killed: its task goes to another one."""
    with clusters.dask(root.parent / f"{root.name}-dask", workers=2) as cluster:
        process = start(root, "--engine", "dask", "--scheduler", cluster.address)
        time.sleep(moment)
        cluster.kill(cluster.workers[0])
        out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert {row["seed"]: row["digest"] for row in json.loads(out)["replicates"]} == expected
    finish(root, expected)


KINDS = {"worker": worker, "parent": parent, "scheduler": scheduler, "dask-worker": dask_worker}
MANY = [(kind, number) for kind in KINDS for number in range(6)]
# Killed at random moments of the quiet run, so that imports, training and publishing are all hit.
SEED = int(os.environ.get("KILL_SEED", "5"))


def hit(kind, number, expected, tmp_path):
    moment = random.Random(f"{SEED}/{kind}/{number}").uniform(0.05, 0.95) * expected[1]
    print(f"KILL_SEED={SEED}: {kind} {number} at {moment:.2f} s of {expected[1]:.2f} s")
    KINDS[kind](tmp_path / "runs", moment, expected[0])


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "number"), MANY, ids=[f"{kind}-{number}" for kind, number in MANY])
def test_a_kill_at_a_random_moment(expected, tmp_path, kind, number):
    hit(kind, number, expected, tmp_path)


@pytest.mark.parametrize("kind", ["worker", "parent", "scheduler"])
def test_one_kill_of_each_kind(expected, tmp_path, kind):
    hit(kind, 100, expected, tmp_path)


def full_disk_problem():
    probe = subprocess.run(["unshare", "-m", "true"], capture_output=True) if os.getuid() == 0 else None
    return "" if probe is not None and probe.returncode == 0 else "a small tmpfs needs root"


@pytest.mark.slow
@pytest.mark.parametrize("kib", [64, 100, 150, 300])
def test_a_full_disk(expected, tmp_path, kib):
    """The disk fills up while runs are published; with room again the same command goes on."""
    if full_disk_problem():
        pytest.skip(full_disk_problem())
    root = tmp_path / "small"
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", root], check=True)
    try:
        done = bitforbit("replicate", *TINY, "--jobs", 2, "--runs", root)
        assert done.returncode == 2
        assert "No space left on device" in done.stderr + done.stdout or "is full" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
        subprocess.run(["mount", "-o", "remount,size=64m", root], check=True)
        finish(root, expected[0])
    finally:
        subprocess.run(["umount", root], check=True)

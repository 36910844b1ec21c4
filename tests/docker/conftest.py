"""The image under test, and ways to run it."""

import json
import os
import shutil
import subprocess

import pytest
from support import IMAGE

DOCKER = os.environ.get("DOCKER") or shutil.which("docker", path="/usr/bin:" + os.environ.get("PATH", "")) or "docker"
HARDENED = [
    "--network=none",
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--pids-limit=200",
]
ENTER = "/opt/bitforbit/bin/enter"


def docker(*arguments, check=True, timeout=600) -> subprocess.CompletedProcess:
    done = subprocess.run([DOCKER, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)
    if check:
        assert done.returncode == 0, f"docker {arguments}: {done.stdout}{done.stderr}"
    return done


def run(*command, flags=(), program=None, **options) -> subprocess.CompletedProcess:
    """Run the image with `flags`; `program` takes the entrypoint's place."""
    entrypoint = ("--entrypoint", program) if program else ()
    return docker("run", "--rm", *flags, *entrypoint, IMAGE, *command, **options)


def shell(script, *flags, **options) -> str:
    """What a shell script prints that starts as the program does: behind the start helper."""
    return run("/bin/sh", "-euc", script, flags=flags, program=ENTER, **options).stdout


@pytest.fixture(scope="session")
def inspected() -> dict:
    return json.loads(docker("image", "inspect", IMAGE).stdout)[0]


@pytest.fixture
def runs(tmp_path):
    """Call with owner and mode: a folder for /runs. A container makes and removes it, so any owner will do."""

    def make(owner="1000:1000", mode="0755"):
        as_root(f"mkdir /host/runs && chmod {mode} /host/runs && chown {owner} /host/runs")
        return tmp_path / "runs"

    def as_root(script):
        run("-euc", script, flags=("--user=0", f"--volume={tmp_path}:/host"), program="/bin/sh")

    yield make
    as_root("rm -rf /host/runs")

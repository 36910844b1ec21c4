"""Run the command line as a user does, and say why a test cannot run here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
IN_CI = os.environ.get("CI") == "true"
IMAGE = os.environ.get("BITFORBIT_TEST_IMAGE", "bitforbit:cpu")


def clean_environment(**changes) -> dict:
    """The caller's environment without anything of the policy, plus `changes` (None removes)."""
    from bitforbit.policy import Policy, knobs

    ours = set(Policy().environment()) | set(knobs.MUST_STAY_UNSET) | {"BITFORBIT_RELAUNCHED", "BITFORBIT_POOL_SIZE"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment |= {name: value for name, value in changes.items() if value is not None}
    return {name: value for name, value in environment.items() if changes.get(name, "") is not None}


def bitforbit(*arguments, prefix=(), cwd=PROJECT, timeout=600, **changes) -> subprocess.CompletedProcess:
    """Run the command line in a fresh process; the environment is clean but for `changes`."""
    command = [*prefix, sys.executable, "-m", "bitforbit", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=clean_environment(**changes), capture_output=True, text=True, timeout=timeout
    )


def docker_problem() -> str:
    docker = shutil.which("docker", path="/usr/bin:" + os.environ.get("PATH", ""))
    if docker is None:
        return "no docker command"
    if subprocess.run([docker, "info"], capture_output=True).returncode:
        return "no Docker engine answers"
    if subprocess.run([docker, "image", "inspect", IMAGE], capture_output=True).returncode:
        return f"no image {IMAGE} (make image)"
    return ""


def emulation_problem() -> str:
    return "" if shutil.which("qemu-x86_64-static") else "no qemu-x86_64-static (apt-get install qemu-user-static)"

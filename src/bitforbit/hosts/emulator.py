"""Start the interpreter on an emulated CPU."""

import os
import shutil
import sys

from bitforbit.errors import HostError
from bitforbit.hosts.models import EmulatedHost
from bitforbit.policy import Policy, knobs

PROGRAM = "qemu-x86_64-static"


def find() -> str:
    """Return the emulator's path.

    Raises:
        HostError: there is none.
    """
    path = shutil.which(PROGRAM)
    if path is None:
        raise HostError(f"expected {PROGRAM}, found none. Next step: apt-get install qemu-user-static")
    return path


def prefix(cpu: str) -> list[str]:
    """Return what stands before a command so that it runs on `cpu`: a model's name, with properties or without."""
    # Without check=off the emulator prints what else the model has, of no use to a program, at each thread's start.
    return [find(), "-cpu", f"{cpu},check=off"]


def python(host: EmulatedHost, *arguments: str, shift: int = 0) -> list[str]:
    """Return the command that runs Python with `arguments` on `host`.

    Args:
        host: the CPU, and how many of this machine's cores the process may see.
        arguments: what follows `python`.
        shift: the first core to use, counted round; two runs at a time take different ones. Defaults to 0.

    Raises:
        HostError: there is no emulator, or this process may use fewer cores.
    """
    cores = sorted(os.sched_getaffinity(0))
    if host.cores > len(cores):
        raise HostError(
            f"expected {host.cores} cores for {host}, found {len(cores)}. Next step: {host.cpu}@{len(cores)}"
        )
    chosen = [str(cores[(shift + index) % len(cores)]) for index in range(host.cores)]
    return ["taskset", "-c", ",".join(chosen), *prefix(host.cpu), sys.executable, *arguments]


def environment(policy: Policy) -> dict[str, str]:
    """Return the environment for a process that must not start anew: the emulator would lose it without a word."""
    kept = {name: value for name, value in os.environ.items() if name not in knobs.MUST_STAY_UNSET}
    return kept | policy.environment() | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}

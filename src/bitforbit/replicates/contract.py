"""One replicate: exactly what `bitforbit train --seed s` does, whoever starts it, wherever and beside whatever it runs.

Every engine ends in `train_one`, in a process of its own. Its configuration travels as a `Task`, which names the hash
that must come out: a worker with other code, other versions or another policy is refused before it trains.
"""

import contextlib
import ctypes
import dataclasses
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import NamedTuple

from bitforbit.errors import BitforbitError, DivergedError, EvidenceError
from bitforbit.evidence import canonical, runs
from bitforbit.policy import Policy, devices
from bitforbit.replicates import collect
from bitforbit.training import config as configs
from bitforbit.training import experiment as experiments
from bitforbit.training import identity, loop

PARENT_VARIABLE = "BITFORBIT_PARENT"
FAILED = 2


class Task(NamedTuple):
    """A configuration that can be sent to another process or machine.

    Attributes:
        experiment: as on the command line: built-in name, dotted module or path of a `.py` file.
        name: as in `runs/<name>/`.
        settings: `key=value` for each key of the config.
        policy: the fields of a `Policy`: pool size, device, GPUs, precision, XLA.
        root: folder of all runs.
        config_hash: 64 hex digits, what `result.json` must say.
    """

    experiment: str
    name: str
    settings: tuple[str, ...]
    policy: tuple
    root: str
    config_hash: str

    def folder(self, seed: int) -> Path:
        return runs.folder_of(Path(self.root), self.name, self.config_hash, seed)

    def arguments(self, seed: int) -> list[str]:
        """Return the arguments of `bitforbit` that train this seed, alone, in a process of its own."""
        return [*self.command(), "--seeds", str(seed), "--index", "0"]

    def command(self) -> list[str]:
        """Return the arguments of `bitforbit` without seeds."""
        settings = [word for setting in self.settings for word in ("--set", setting)]
        pinned = Policy(*self.policy)
        words = ["--pool-size", str(pinned.pool_size), "--device", pinned.device]
        if pinned.device == devices.GPU:
            words += ["--gpus", str(pinned.gpus), "--precision", pinned.precision, *(["--xla"] if pinned.xla else [])]
        return ["replicate", self.experiment, *settings, *words, "--runs", self.root]

    def collect(self, seeds: list[int]) -> list[collect.Replicate]:
        return collect.collect(Path(self.root), self.name, self.config_hash, seeds)


def plan(experiment: str, file: Path | None, assignments: tuple[str, ...], policy: Policy, root: Path) -> Task:
    """Resolve a configuration once, for every seed and every machine."""
    chosen = experiments.load(experiment)
    config = configs.resolve(chosen.config_type, file, assignments)
    settings = tuple(f"{key}={configs.spell(value)}" for key, value in vars(config).items())
    described = identity.describe(chosen, config, policy, [])
    return Task(experiment, chosen.name, settings, dataclasses.astuple(policy), str(root), described["config_hash"])


def train_one(task: Task, seed: int) -> int:
    """Train one replicate in this process, which must be fresh; a failure is written down beside the runs.

    Returns:
        0 finished (or there already, re-verified), 2 failed, 3 diverged.
    """
    yield_seldom()
    try:
        loop.train(_request(task, seed))
    except DivergedError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BitforbitError as error:
        return fail(task, seed, str(error))
    except OSError as error:
        return fail(task, seed, f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    except Exception as error:
        return fail(task, seed, f"{type(error).__name__}: {error}", traceback.format_exc())
    forget_failure(task, seed)
    return 0


def _request(task: Task, seed: int) -> loop.Request:
    chosen, policy = experiments.load(task.experiment), Policy(*task.policy)
    config = configs.resolve(chosen.config_type, None, task.settings)
    found = identity.describe(chosen, config, policy, [])["config_hash"]
    if found != task.config_hash:
        raise EvidenceError(
            f"expected the configuration {task.config_hash[:12]}, found {found[:12]} here: this worker has another"
            " experiment file, other versions or another policy. Next step: the same lock or image on every machine."
        )
    return loop.Request(chosen, config, seed, policy, Path(task.root))


def fail(task: Task, seed: int, message: str, details: str = "") -> int:
    """Say and write down why a replicate failed; returns its exit code."""
    print(f"seed {seed}: {message}\n{details}", file=sys.stderr, end="", flush=True)
    note_failure(task, seed, message, details)
    return FAILED


def note_failure(task: Task, seed: int, message: str, details: str = "") -> None:
    """Write down why a replicate failed, for `collect`: the message is the first line."""
    path = _failure(task, seed)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        canonical.write(path, f"{message}\n{details}".encode())
    except OSError:
        pass  # a full disk is one of the reasons


def forget_failure(task: Task, seed: int) -> None:
    """Take back what `note_failure` wrote: the replicate has ended well since."""
    _failure(task, seed).unlink(missing_ok=True)


def _failure(task: Task, seed: int) -> Path:
    folder = task.folder(seed)
    return folder.with_name(f"{folder.name}.{collect.FAILURE}")


def yield_seldom() -> None:
    """Let a thread that wakes up wait for a core, in place of interrupting the one that computes on it (sched(7)).

    A step of a small model wakes threads thirty times; beside other replicates each time would cost two switches.
    """
    with contextlib.suppress(OSError):  # a sandbox may forbid it
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def die_with_caller() -> None:
    """Die with the engine that started this process, where one did and said so."""
    parent = os.environ.get(PARENT_VARIABLE)
    if parent:
        die_with(int(parent))


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent dies, however that happens (prctl(2), PR_SET_PDEATHSIG).

    Args:
        parent: process id; where it is not this process's parent any more, this process ends at once.
    """
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(FAILED)

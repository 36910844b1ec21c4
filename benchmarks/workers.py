"""What the benchmarks that train built-in experiments in processes of their own have in common."""

import math
import os
import statistics
import subprocess
import sys
from pathlib import Path


def environment() -> dict[str, str]:
    """Return the environment of a process that trains under the policy."""
    from bitforbit.policy import Policy

    return os.environ | Policy().environment() | {"TF_CPP_MIN_LOG_LEVEL": "3"}


def begin(measures: bool = True) -> None:
    """Put this process under the policy, with its measures for other hosts or without."""
    from bitforbit.policy import Policy, activate, deferred, launcher

    launcher.ensure_environment(Policy())
    deferred.install()
    if not measures:
        from taken_away import take_away

        take_away()
    activate(Policy(), strict=measures)


def request_of(name: str, epochs: int | None = None):
    """Return the request of a training of a built-in experiment, by default of its own number of epochs."""
    from bitforbit.policy import Policy
    from bitforbit.training import config, experiment, loop

    chosen = experiment.load(name)
    resolved = config.resolve(chosen.config_type, None, [f"epochs={epochs}"] if epochs else [])
    return loop.Request(chosen, resolved, 1, Policy.from_environment(), Path(), strict=False)


def answer(script: str | Path, *words: str) -> list[str]:
    """Return the lines that a script of the benchmarks prints in a process of its own, under the policy."""
    command = [sys.executable, script, *words]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout.splitlines()


def start(worker, main, usage: str) -> None:
    """Call what the words of the command line ask for: `worker` by its name, else `main` with a number of processes."""
    words = sys.argv[1:]
    if words[:1] == ["worker"]:
        worker(*words[1:])
    elif enough(words[:1]):
        main(*words)
    else:
        sys.exit(usage)


def enough(count: list[str]) -> bool:
    """Return whether the word, where there is one, is a number of repetitions that has a standard error."""
    return all(word.isdecimal() and int(word) > 1 for word in count)


def geometric(logs: list[float]) -> str:
    """Return the geometric mean and its standard error."""
    mean = math.exp(statistics.mean(logs))
    return f"{mean:.3f} ± {mean * statistics.stdev(logs) / math.sqrt(len(logs)):.3f}"

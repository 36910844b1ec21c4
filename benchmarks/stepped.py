"""What something costs a training step: processes with it and without take turns of 64 steps.

usage: python benchmarks/stepped.py (measures | trace) [PAIRS] [EXPERIMENT ...]

`measures`: those for other hosts; `trace`: digests of every step. Whole trainings (`measures.py`) differ by a tenth on
a machine that is not free; turns of a fraction of a second see the same machine. Where a process got its memory stays
with it for life, so there are several pairs.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bitforbit.training.experiment import BUILT_IN

MODES = {"measures": ("with", "without"), "trace": ("traced", "with")}
STEPS, BUDGET = 64, 30.0  # of a block; seconds for a pair


def worker(mode: str, name: str) -> None:
    """Answer each line with the seconds of a block of steps, made as `train` makes them."""
    from bitforbit.policy import Policy, activate, deferred, launcher

    launcher.ensure_environment(Policy())
    deferred.install()
    from taken_away import take_away

    if mode == "without":
        take_away()
    from bitforbit.training import config, experiment, loop, prepare

    activate(Policy(), strict=mode != "without")
    chosen = experiment.load(name)
    settings = config.resolve(chosen.config_type, None, [f"epochs={10**6}"])
    ready = prepare.prepare(loop.Request(chosen, settings, 1, Policy(), Path(), strict=False))
    model, batches = ready.model, iter(ready.batches)
    with tempfile.TemporaryDirectory() as folder:
        if mode == "traced":
            from bitforbit.diagnosis.trace import Tracer

            Tracer(Path(folder, "trace"))
        model.make_train_function(force=True)
        for _ in sys.stdin:
            began = time.perf_counter()
            for _ in range(-(-STEPS // model.steps_per_execution)):
                model.train_function(batches)
            print(time.perf_counter() - began, flush=True)


def start(mode: str, name: str) -> subprocess.Popen:
    from bitforbit.policy import Policy

    environment = os.environ | Policy().environment() | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, __file__, "worker", mode, name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=environment, text=True, **pipes)


def seconds(process: subprocess.Popen) -> float:
    process.stdin.write("\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    return float(answer) if answer else sys.exit(f"expected seconds, found that {process.args[3:]} ended")


def pair(name: str, order: tuple[str, str]) -> dict[str, list[float]]:
    """Return the seconds of the blocks of each mode."""
    workers = {mode: start(mode, name) for mode in order}
    for process in workers.values():
        seconds(process)  # traces, and fills the caches
    found: dict[str, list[float]] = {mode: [] for mode in order}
    end, turn = time.monotonic() + BUDGET, list(workers)
    while time.monotonic() < end:
        for mode in turn:
            found[mode].append(seconds(workers[mode]))
        turn.reverse()
    for process in workers.values():
        process.stdin.close()
        process.wait()
    return found


def main(what: str, pairs: str = "4", *names: str) -> None:
    first, second = MODES[what]
    print(
        f"{pairs} pairs of processes, {first} / {second}: where the fastest fifth ends (medians); each pair's medians"
    )
    for name in names or BUILT_IN:
        found = [pair(name, (first, second) if number % 2 else (second, first)) for number in range(int(pairs))]
        parts = {}
        for part in (0.2, 0.5):
            at = {mode: [sorted(f[mode])[int(part * len(f[mode]))] for f in found] for mode in (first, second)}
            parts[part] = [a / b for a, b in zip(at[first], at[second], strict=True)]
        each = " ".join(f"{ratio:.2f}" for ratio in parts[0.5])
        means = [statistics.mean(parts[part]) for part in (0.2, 0.5)]
        fastest = min(min(f[second]) for f in found) / STEPS * 1000
        print(f"{name:12} {fastest:6.2f} ms a step: {means[0]:.3f} ({means[1]:.3f}); {each}", flush=True)


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[:1] == ["worker"]:
        worker(*words[1:])
    elif words[:1] and words[0] in MODES:
        main(*words)
    else:
        sys.exit(__doc__)

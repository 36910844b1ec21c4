"""What something costs a training: processes with it and without take turns of 64 steps.

usage: python benchmarks/stepped.py (measures | trace) (steps | epochs) [PAIRS] [EXPERIMENT ...]

`measures`: those for other hosts; `trace`: digests of every step. `steps` counts training steps alone, `epochs` whole
epochs as `train` makes them, with validation and evidence. Whole trainings (`measures.py`) differ by a tenth on a
machine that is not free; turns of a fraction of a second see the same machine. Where a process got its memory stays
with it for life and alone moves its speed by some per cent, so there are many pairs (two at least), and a standard
error over them.
"""

import contextlib
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import workers

from bitforbit.training.experiment import BUILT_IN

MODES = {"measures": ("with", "without"), "trace": ("traced", "with")}
STEPS, BUDGET = 64, 10.0  # of a turn, at least; seconds for a pair


def worker(mode: str, unit: str, name: str) -> None:
    """Answer each line with the seconds that a step took, by the mean of a turn."""
    workers.begin(measures=mode != "without")
    request = workers.request_of(name, 10**6)
    with tempfile.TemporaryDirectory() as folder:

        @contextlib.contextmanager
        def watch():
            if mode == "traced":
                from bitforbit.diagnosis.trace import Tracer

                Tracer(Path(folder, "trace"))
            yield

        (steps if unit == "steps" else epochs)(request, watch)


def steps(request, watch) -> None:
    from bitforbit.training import prepare

    ready = prepare.prepare(request)
    model, batches = ready.model, iter(ready.batches)
    calls = -(-STEPS // model.steps_per_execution)
    with watch():
        model.make_train_function(force=True)
        for _ in sys.stdin:
            began = time.perf_counter()
            for _ in range(calls):
                model.train_function(batches)
            print((time.perf_counter() - began) / calls / model.steps_per_execution, flush=True)


def epochs(request, watch) -> None:
    from bitforbit.training import executions, fitting, loop

    size = len(request.experiment.load_data(request.config).y_train)
    length = executions.of_epoch(size, request.config.batch_size)
    together = -(-STEPS // length)

    class Turns(loop.Silent):
        began = 0.0

        def __call__(self, epoch: int, logs: dict) -> None:
            if epoch % together:
                return
            if self.began:  # the first turn holds the making of the graphs
                print((time.perf_counter() - self.began) / length / together, flush=True)
            if not sys.stdin.readline():
                sys.exit()
            self.began = time.perf_counter()

    fitting.fit(request, Turns(), watch=watch)


def start(mode: str, unit: str, name: str) -> subprocess.Popen:
    command = [sys.executable, __file__, "worker", mode, unit, name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=workers.environment(), text=True, **pipes)


def seconds(process: subprocess.Popen) -> float:
    process.stdin.write("\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    return float(answer) if answer else sys.exit(f"expected seconds, found that {process.args[3:]} ended")


def pair(unit: str, name: str, order: tuple[str, str]) -> dict[str, list[float]]:
    """Return the seconds of each mode's turns."""
    workers = {mode: start(mode, unit, name) for mode in order}
    for process in workers.values():
        seconds(process)  # makes the graphs, and fills the caches
    found: dict[str, list[float]] = {mode: [] for mode in order}
    end, turn = time.monotonic() + BUDGET, list(workers)
    while time.monotonic() < end or len(found[turn[0]]) < 4:
        for mode in turn:
            found[mode].append(seconds(workers[mode]))
        turn.reverse()
    for process in workers.values():
        process.stdin.close()
        process.wait()
    return found


def main(what: str, unit: str, pairs: str = "12", *names: str) -> None:
    first, second = MODES[what]
    print(f"{pairs} pairs of processes, {unit}, {first} / {second}: geometric mean ± standard error")
    for name in names or BUILT_IN:
        found = [pair(unit, name, (first, second) if number % 2 else (second, first)) for number in range(int(pairs))]
        parts = {}
        for part in (0.2, 0.5):
            at = {mode: [sorted(f[mode])[int(part * len(f[mode]))] for f in found] for mode in (first, second)}
            parts[part] = [math.log(a / b) for a, b in zip(at[first], at[second], strict=True)]
        fastest = min(min(f[second]) for f in found) * 1000
        print(
            f"{name:12} {fastest:6.2f} ms a step: medians {workers.geometric(parts[0.5])},"
            f" where the fastest fifth ends {workers.geometric(parts[0.2])}",
            flush=True,
        )


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[:1] == ["worker"]:
        worker(*words[1:])
    elif len(words) > 1 and words[0] in MODES and words[1] in ("steps", "epochs") and workers.enough(words[2:3]):
        main(*words)
    else:
        sys.exit(__doc__)

"""What digests cost a step, inside of one process: train functions of one model, two plain and two traced, take turns.

usage: python benchmarks/functions.py [PROCESSES] [EXPERIMENT ...]

All have the same variables and the same heap, so this tells one per cent from none in minutes where processes of their
own (`stepped.py`) need an hour; what a traced process is slower in beyond its steps is not in it. Printed: the other
plain one over the first, and the traced ones over both, with standard errors over the processes (two at least).
"""

import json
import math
import random
import statistics
import tempfile
import time
from pathlib import Path

import workers

from bitforbit.training.experiment import BUILT_IN

PLAIN, TRACED = ("plain", "plain again"), ("traced", "traced again")
FUNCTIONS = PLAIN + TRACED
STEPS, SECONDS = 32, 90.0  # of a turn, at least; of a process


def worker(name: str) -> None:
    """Print the logarithms of each function's seconds a turn, in the order of the turns."""
    workers.begin()
    from bitforbit.training import prepare

    ready = prepare.prepare(workers.request_of(name, 10**6))
    model, batches = ready.model, iter(ready.batches)
    calls = -(-STEPS // model.steps_per_execution)
    functions: dict = {}

    def turn(kind: str) -> float:
        began = time.perf_counter()
        for _ in range(calls):
            functions[kind](batches)
        return math.log(time.perf_counter() - began)

    with tempfile.TemporaryDirectory() as folder:
        for kind in FUNCTIONS:
            if kind == TRACED[0]:
                from bitforbit.diagnosis.trace import Tracer

                tracer = Tracer(Path(folder, "trace"))  # of all that is made from now on
            model.make_train_function(force=True)
            functions[kind] = model.train_function
            turn(kind)  # makes the graph
        for kind in FUNCTIONS * 2:
            turn(kind)
        found: dict[str, list[float]] = {kind: [] for kind in FUNCTIONS}
        shuffled, end = random.Random(0), time.monotonic() + SECONDS
        while time.monotonic() < end:
            for kind in shuffled.sample(FUNCTIONS, len(FUNCTIONS)):
                found[kind].append(turn(kind))
        tracer.discard()
    print(json.dumps(found))


def against(found: dict[str, list[float]], kinds: tuple[str, ...], base: tuple[str, ...]) -> float:
    """Return the mean difference of logarithms, turn by turn, without the tenth at either end."""
    sums = [statistics.mean(row) for row in zip(*(found[kind] for kind in kinds), strict=True)]
    bases = [statistics.mean(row) for row in zip(*(found[kind] for kind in base), strict=True)]
    differences = sorted(a - b for a, b in zip(sums, bases, strict=True))
    cut = len(differences) // 10
    return statistics.mean(differences[cut : len(differences) - cut])


def run(name: str) -> dict[str, list[float]]:
    return json.loads(workers.answer(__file__, "worker", name)[-1])


def main(processes: str = "5", *names: str) -> None:
    for name in names or BUILT_IN:
        found = [run(name) for _ in range(int(processes))]
        plain = workers.geometric([against(one, PLAIN[1:], PLAIN[:1]) for one in found])
        traced = workers.geometric([against(one, TRACED, PLAIN) for one in found])
        print(f"{name:12} plain / plain {plain}, traced / plain {traced}", flush=True)


if __name__ == "__main__":
    workers.start(worker, main, __doc__)

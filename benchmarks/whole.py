"""What a trace costs a whole training: those of the experiments' own length in turns, all of a process.

usage: python benchmarks/whole.py [PROCESSES [EXPERIMENT ...]]

Each has the making of model and graphs, all epochs with validation and evidence, prediction and result. `plain` is what
`train` does; `known` the same where the ops are audited already; `traced` what `train --trace` does after `train`, and
`trace` after its training without digests: known ops, with digests, the trace written. Two rounds of a process count,
after one that does not; of many processes (two at least), because one's memory stays with it for life.
"""

import contextlib
import math
import tempfile
import time
from pathlib import Path

import workers

from bitforbit.training.experiment import BUILT_IN

MODES, ROUNDS = ("plain", "known", "traced"), 2


def worker(name: str) -> None:
    """Print the seconds of each training: a line for each round, in the order of `MODES`."""
    workers.begin()
    from bitforbit.diagnosis.trace import Tracer
    from bitforbit.training import loop

    request = workers.request_of(name)

    @contextlib.contextmanager
    def watch():
        with tempfile.TemporaryDirectory() as folder:
            tracer = Tracer(Path(folder, "trace"))
            yield
            tracer.close({})

    known = loop.rehearse(request).audited
    trainings = {
        "plain": lambda: loop.rehearse(request),
        "known": lambda: loop.rehearse(request, known=known),
        "traced": lambda: loop.rehearse(request, watch=watch, known=known),
    }
    order = list(MODES)
    for number in range(ROUNDS + 1):
        seconds = {}
        for mode in order:
            began = time.perf_counter()
            trainings[mode]()
            seconds[mode] = time.perf_counter() - began
        order.reverse()
        if number:
            print(*(seconds[mode] for mode in MODES), flush=True)


def rounds(name: str) -> list[list[float]]:
    return [[float(word) for word in line.split()] for line in workers.answer(__file__, "worker", name)]


def main(processes: str = "6", *names: str) -> None:
    print(f"{processes} processes of {ROUNDS} rounds: geometric mean ± standard error over the processes")
    for name in names or BUILT_IN:
        found = [rounds(name) for _ in range(int(processes))]
        cells = []
        for mode in (0, 1):
            logs = [sum(math.log(r[2] / r[mode]) for r in of_process) / ROUNDS for of_process in found]
            cells.append(f"traced / {MODES[mode]} {workers.geometric(logs)}")
        fastest = min(r[0] for of_process in found for r in of_process)
        print(f"{name:12} {fastest:6.2f} s: {', '.join(cells)}", flush=True)


if __name__ == "__main__":
    workers.start(worker, main, __doc__)

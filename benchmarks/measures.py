"""What the measures for other hosts cost: the four experiments with all of them and without, side by side in one run.

usage: python benchmarks/measures.py [ROUNDS] [EXPERIMENT ...]
"""

import itertools
import json
import statistics
import sys
from pathlib import Path

import workers

from bitforbit.training.experiment import BUILT_IN

MODES = ("with", "without")


def run(mode: str, name: str) -> dict:
    return json.loads(workers.answer(Path(__file__).with_name("measured.py"), mode, name)[-1])


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 3
    print(f"{rounds} rounds, with / without: ratio of minima (of medians)")
    print("start: seconds more until one epoch's steps end, difference of minima (of medians)")
    print("own: seconds in the measures' own functions until then, the making of graphs left out: minimum (median)")
    print(f"{'':12}{'epoch':>14}{'whole training':>18}{'start, wall':>16}{'start, CPU':>16}{'own':>16}")
    for name in sys.argv[2:] or BUILT_IN:
        found: dict[str, list[dict]] = {mode: [] for mode in MODES}
        for number in range(rounds):
            for mode in MODES if number % 2 else MODES[::-1]:
                found[mode].append(run(mode, name))
        # The first epoch holds tracing.
        epochs = {m: [b - a for r in found[m] for a, b in itertools.pairwise(r["epoch_ends"])] for m in MODES}
        whole = {m: [r["fit_seconds"] for r in found[m]] for m in MODES}
        cells = [_ratio(table, min) + f" ({_ratio(table, statistics.median)})" for table in (epochs, whole)]
        starts = [{m: [r["first"][clock] for r in found[m]] for m in MODES} for clock in ("wall", "cpu")]
        cells += [f"{_more(table, min):.2f} ({_more(table, statistics.median):.2f})" for table in starts]
        own = [sum(r["own"].values()) for r in found["with"]]
        cells.append(f"{min(own):.2f} ({statistics.median(own):.2f})")
        print(f"{name:12}{cells[0]:>14}{cells[1]:>18}" + "".join(f"{cell:>16}" for cell in cells[2:]), flush=True)
        for mode in MODES:
            print(f"  {mode:8} wall", *(f"{seconds:.2f}" for seconds in sorted(starts[0][mode])), flush=True)


def _more(table: dict[str, list[float]], of) -> float:
    return of(table["with"]) - of(table["without"])


def _ratio(table: dict[str, list[float]], of) -> str:
    return f"{of(table['with']) / of(table['without']):.2f}"


if __name__ == "__main__":
    main()

"""What determinism costs: ours against a bare script, side by side in one run; ratios, not seconds.

usage: make bench            (python benchmarks/training.py [ROUNDS] [EPOCHS])
"""

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROUNDS, EPOCHS = (int(value) for value in (sys.argv[1:] + ["5", "8"][len(sys.argv) - 1 :]))


def clean() -> dict:
    from bitforbit.policy import Policy

    environment = {name: value for name, value in os.environ.items() if name not in Policy().environment()}
    return environment | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


def bare(mode: str) -> tuple[float, list[float]]:
    command = [sys.executable, HERE / "bare.py", mode, str(EPOCHS)]
    done = subprocess.run(command, env=clean(), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return found["first_validation"], found["ends"]


def ours() -> tuple[float, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bitforbit", "train", "digits", "--set", f"epochs={EPOCHS}", "--runs", folder]
        subprocess.run(command, env=clean(), capture_output=True, check=True)
        (run,) = Path(folder).glob("digits/*/seed-1/run.json")
        timings = json.loads(run.read_bytes())["timings"]
        return timings["start_to_first_validation"], timings["epoch_ends"]


def seconds(command: list[str], times: int = 15) -> float:
    samples = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        samples.append(time.perf_counter() - began)
    return min(samples)


def main() -> None:
    subjects = {"ours": ours, "seeded": lambda: bare("seeded"), "plain": lambda: bare("plain")}
    first = {name: [] for name in subjects}
    epoch = {name: [] for name in subjects}
    for round_number in range(ROUNDS):
        # Another order each round, so that none always comes after the same one.
        names = list(subjects)[round_number % 3 :] + list(subjects)[: round_number % 3]
        for name in names:
            start, ends = subjects[name]()
            first[name].append(start)
            # The first epochs hold tracing, of training and of evaluation.
            epoch[name] += [b - a for a, b in itertools.pairwise(ends[1:])]
    print(f"digits, {ROUNDS} rounds of {EPOCHS} epochs; ratio of minima (of medians)")
    for title, table, yardstick in (
        ("start to end of first epoch's steps, ours / bare plain", first, "plain"),
        ("epoch, ours / bare with seeds, op determinism, pool size", epoch, "seeded"),
        ("epoch, ours / bare plain", epoch, "plain"),
    ):
        minima = min(table["ours"]) / min(table[yardstick])
        medians = statistics.median(table["ours"]) / statistics.median(table[yardstick])
        print(f"  {title:58} {minima:5.2f} ({medians:.2f})")
    command = str(Path(sys.executable).parent / "bitforbit")
    ratio = seconds([command, "--help"]) / seconds([sys.executable, "-c", "pass"])
    print(f"  {'bitforbit --help / python -c pass':58} {ratio:5.2f}")


if __name__ == "__main__":
    main()

"""What a diagnosis of a clean script or experiment costs, as a multiple of one run, measured side by side.

usage: python benchmarks/diagnose.py [SUBJECT] [ROUNDS]
SUBJECT is an experiment or a script.py; a small script where none is given.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPT = """import keras
import numpy as np

keras.utils.set_random_seed(1)
x = np.linspace(0, 1, 64, dtype="float32").reshape(32, 2)
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(x, x[:, :1], epochs=2, batch_size=8, verbose=0)
"""


def timed(*words: str) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "bitforbit", *words], capture_output=True, text=True, check=True)
    return time.perf_counter() - began, done.stdout


def main(subject: str, rounds: int) -> None:
    once, whole, runs = [], [], 0
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            options = ("--runs", folder)
            words = ("run", *options, subject) if subject.endswith(".py") else ("train", subject, *options)
            once.append(timed(*words)[0])
        seconds, report = timed("diagnose", subject, "--json")
        whole.append(seconds)
        runs = len(json.loads(report)["runs"])
    print(f"{Path(subject).name}, {rounds} rounds; ratio of minima (of medians)")
    ratios = min(whole) / min(once), statistics.median(whole) / statistics.median(once)
    print(
        f"  diagnose / one run {ratios[0]:.2f} ({ratios[1]:.2f}); at most 12; {runs} runs, one takes {min(once):.1f} s"
    )


if __name__ == "__main__":
    given = sys.argv[1:]
    with tempfile.TemporaryDirectory() as place:
        script = Path(place) / "clean.py"
        script.write_text(SCRIPT)
        main(given[0] if given else str(script), int(given[1]) if len(given) > 1 else 3)

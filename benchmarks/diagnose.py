"""What a diagnosis of a clean experiment costs, as a multiple of one run, measured side by side.

usage: python benchmarks/diagnose.py [EXPERIMENT] [ROUNDS]
"""

import statistics
import subprocess
import sys
import tempfile
import time

EXPERIMENT, ROUNDS = (sys.argv[1:] + ["sequence", "3"][len(sys.argv) - 1 :])[:2]


def seconds(*words: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "bitforbit", *words], capture_output=True, check=True)
    return time.perf_counter() - began


def main() -> None:
    once, whole = [], []
    for _ in range(int(ROUNDS)):
        with tempfile.TemporaryDirectory() as folder:
            once.append(seconds("train", EXPERIMENT, "--runs", folder))
        whole.append(seconds("diagnose", EXPERIMENT))
    print(f"{EXPERIMENT}, {ROUNDS} rounds; ratio of minima (of medians)")
    ratios = min(whole) / min(once), statistics.median(whole) / statistics.median(once)
    print(f"  diagnose / train {ratios[0]:.2f} ({ratios[1]:.2f}); at most 12")


if __name__ == "__main__":
    main()

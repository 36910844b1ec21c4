"""Throughput of `bitforbit replicate` against a shell loop of `bitforbit train`, side by side; ratios, not seconds.

usage: python benchmarks/replicates.py [N] [EXPERIMENT] [ROUNDS]   (default: 30 digits 1)
       python benchmarks/replicates.py --soak N      warm forks against fresh interpreters, digest by digest
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BITFORBIT = str(Path(sys.executable).parent / "bitforbit")
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}


def loop(experiment: str, count: int, root: str) -> None:
    line = f'for s in $(seq 0 {count - 1}); do "{BITFORBIT}" train {experiment} --seed $s --runs "{root}"; done'
    subprocess.run(["sh", "-e", "-c", line], **QUIET)


def pool(experiment: str, count: int, root: str, *words: str) -> None:
    subprocess.run([BITFORBIT, "replicate", experiment, "--seeds", f"0-{count - 1}", "--runs", root, *words], **QUIET)


def digests(root: str) -> dict[str, str]:
    return {
        path.parent.name: json.loads((path.parent / "run.json").read_bytes())["files"]["result.json"]
        for path in Path(root).glob("*/*/seed-*/result.json")
    }


def measure(count: int, experiment: str, rounds: int) -> None:
    subjects = {
        "shell loop of train": loop,
        "replicate": pool,
        "replicate --jobs 1": lambda *words: pool(*words, "--jobs", "1"),
        "replicate --fresh": lambda *words: pool(*words, "--fresh"),
    }
    seconds, found = {name: [] for name in subjects}, {}
    for number in range(rounds):
        for name in list(subjects)[number % 4 :] + list(subjects)[: number % 4]:
            with tempfile.TemporaryDirectory() as root:
                began = time.perf_counter()
                subjects[name](experiment, count, root)
                seconds[name].append(time.perf_counter() - began)
                found[name] = digests(root)
    assert all(each == found["replicate"] and len(each) == count for each in found.values()), "digests differ"
    base = min(seconds["shell loop of train"])
    print(f"{count} replicates of {experiment}, all with the same {count} digests; throughput against the shell loop:")
    for name, times in seconds.items():
        print(f"  {name:22} {base / min(times):5.2f}   ({min(times) / count:.2f} s for each)")


def soak(count: int) -> None:
    """Train the same seeds warm and fresh, over and over; every digest must be the same."""
    with tempfile.TemporaryDirectory() as root:
        pool("sequence", count, f"{root}/fresh", "--fresh")
        expected, trained = digests(f"{root}/fresh"), 0
        while True:
            pool("sequence", count, f"{root}/warm")
            assert digests(f"{root}/warm") == expected, "a warm fork gave another digest"
            shutil.rmtree(f"{root}/warm")
            trained += count
            print(f"{trained} warm forks, {count} fresh interpreters: the same digests", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--soak"]:
        soak(int(sys.argv[2]))
    else:
        words = sys.argv[1:] + ["30", "digits", "1"][len(sys.argv) - 1 :]
        measure(int(words[0]), words[1], int(words[2]))

"""What `--sentinel` costs: the same training with it and without, in turns; the result must be the same.

usage: python benchmarks/sentinel.py [ROUNDS] [EXPERIMENT [KEY=VALUE]]      (5 rounds of digits, epochs=4)

Prints the ratio of the medians: of the seconds of `fit`, and of the processor time of the whole command.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = int(sys.argv[1]) if sys.argv[1:] else 5
EXPERIMENT = sys.argv[2] if sys.argv[2:] else "digits"
SETTING = sys.argv[3] if sys.argv[3:] else "epochs=4"


def processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def train(sentinel: bool, runs: str) -> tuple[float, float, str]:
    """Return seconds of `fit`, processor seconds of the command, and the result's digest."""
    more = ["--sentinel"] if sentinel else []
    command = [sys.executable, "-m", "bitforbit", "train", EXPERIMENT, "--set", SETTING, "--json", "--force"]
    began = processor()
    done = subprocess.run([*command, "--runs", runs, *more], capture_output=True, text=True)
    if done.returncode or "sentinel:" in done.stderr:
        sys.exit(done.stderr)
    outcome = json.loads(done.stdout)
    facts = json.loads(Path(outcome["folder"], "run.json").read_text())
    return facts["timings"]["fit_seconds"], processor() - began, outcome["digest"]


if __name__ == "__main__":
    taken: dict[bool, list] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        train(False, folder)
        for _ in range(ROUNDS):
            for sentinel in taken:
                taken[sentinel].append(train(sentinel, folder))
    plain, watched = (
        [statistics.median(column) for column in list(zip(*taken[kind], strict=True))[:2]] for kind in taken
    )
    same = len({digest for rows in taken.values() for _, _, digest in rows}) == 1
    print(f"Python {sys.version.split()[0]}, {EXPERIMENT} {SETTING}, {ROUNDS} rounds")
    print(f"fit        {plain[0]:.3f} s, with the sentinel {watched[0]:.3f} s: {watched[0] / plain[0]:.3f} x")
    print(f"processor  {plain[1]:.3f} s, with the sentinel {watched[1]:.3f} s: {watched[1] / plain[1]:.3f} x")
    print(f"digests    {'the same' if same else 'DIFFERENT'}")
    sys.exit(not same)

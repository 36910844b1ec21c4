"""What it takes to make an ensemble, as a multiple of what loading its members takes.

usage: .venv/bin/python benchmarks/ensemble.py [EXPERIMENT] [MEMBERS] [RUNS]

Trains MEMBERS seeds for one epoch (not timed; RUNS keeps them for the next call). Then, best of three, each in a fresh
process and in turns: loading every member by Keras; and `bitforbit ensemble`, which loads them, predicts with each,
holds the predictions against the published digests, packs the file, measures the gain and draws it.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bitforbit.policy import Policy, activate, launcher

ROUNDS = 3


def main(name: str = "digits", count: str = "30", runs: str = "") -> int:
    launcher.ensure_environment(Policy())
    with tempfile.TemporaryDirectory() as folder:
        root = runs or folder
        words = [name, "--set", "epochs=1", "--seeds", f"0-{int(count) - 1}", "--runs", root]
        command = [sys.executable, "-m", "bitforbit"]
        subprocess.run([*command, "replicate", *words], check=True, stdout=subprocess.DEVNULL)
        parts, loading, making = [], [], []
        for number in range(ROUNDS):
            began = time.monotonic()
            told = subprocess.run([sys.executable, __file__, "--load", root, name], check=True, capture_output=True)
            loading.append(time.monotonic() - began)
            parts.append(float(told.stdout.split()[-1]))
            target = Path(folder, f"ensemble-{number}")
            began = time.monotonic()
            subprocess.run([*command, "ensemble", *words, "--output", target], check=True, stdout=subprocess.DEVNULL)
            making.append(time.monotonic() - began)
        size = (target / "ensemble.keras").stat().st_size
    alone, loaded, made = min(parts), min(loading), min(making)
    start = loaded - alone
    print(f"{name}, {count} members, {size / 1e6:.1f} MB; best of {ROUNDS}")
    print(f"  starting Python and TensorFlow     {start:6.2f} s")
    print(f"  loading the members                {alone:6.2f} s")
    print(f"  whole command                      {made:6.2f} s   {made / loaded:.2f} x a process that only loads them")
    print(f"  whole command without the start    {made - start:6.2f} s   {(made - start) / alone:.2f} x the loading"
          "  (wanted: under 3 x)")  # fmt: skip
    return 0


def load(root: str, name: str) -> int:
    """Load every member under the policy, as the command does, and print the seconds that this took."""
    launcher.ensure_environment(Policy())
    activate(Policy())
    import keras  # noqa: F401

    from bitforbit.replicates import collect
    from bitforbit.replicates.ensemble import members

    folders = sorted(Path(root, name).glob("*/seed-*"))
    replicates = [collect.Replicate(int(path.name[5:]), collect.FINISHED, path, {}) for path in folders]
    began = time.monotonic()
    members.load(replicates)
    print(time.monotonic() - began, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(load(*sys.argv[2:]) if sys.argv[1:2] == ["--load"] else main(*sys.argv[1:]))

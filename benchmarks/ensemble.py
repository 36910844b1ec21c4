"""What it takes to make an ensemble, as a multiple of what reading its members takes.

usage: .venv/bin/python benchmarks/ensemble.py [EXPERIMENT] [MEMBERS]

Members are untrained models of the experiment: their files are as large as trained ones. Both times are of this
process, in turns, best of three: reading the members; and reading, combining and packing them into the canonical file.
"""

import sys
import tempfile
import time
from pathlib import Path

from bitforbit.policy import Policy, activate, launcher

ROUNDS = 3


def main(name: str = "digits", count: str = "30") -> int:
    launcher.ensure_environment(Policy())
    activate(Policy())
    import keras

    from bitforbit.evidence import archive
    from bitforbit.replicates import collect
    from bitforbit.replicates.ensemble import file, formula, members
    from bitforbit.training import experiment, seeds

    chosen = experiment.load(name)
    reading, making = [], []
    with tempfile.TemporaryDirectory() as folder:
        replicates = []
        for seed in range(int(count)):
            seeds.seed_globals(seed, "initialization")
            place = Path(folder, f"seed-{seed}")
            place.mkdir()
            archive.write_model(chosen.build_model(chosen.config_type()), place / "model.keras")
            replicates.append(collect.Replicate(seed, collect.FINISHED, place, {}))
        for _ in range(ROUNDS):
            keras.backend.clear_session()
            began = time.monotonic()
            members.load(replicates)
            reading.append(time.monotonic() - began)
            keras.backend.clear_session()
            began = time.monotonic()
            content = file.pack(formula.combine(members.load(replicates)), {"schema": file.SCHEMA})
            making.append(time.monotonic() - began)
    print(f"{name}, {count} members, {len(content) / 1e6:.1f} MB")
    print(f"  reading the members            {min(reading):6.2f} s")
    ratio = min(making) / min(reading)
    print(f"  making the ensemble            {min(making):6.2f} s   {ratio:.2f} x  (wanted: under 3 x)")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Replicates made by hand: no training, the numbers chosen by the test."""

from pathlib import Path

from bitforbit.evidence import canonical, runs
from bitforbit.replicates import collect

HASH = "ab" * 32


def replicate(seed, status=collect.FINISHED, note="", key=HASH, **metrics):
    result = {
        "experiment": "made",
        "config": {"epochs": 1, "rate": 0.1},
        "config_hash": key,
        "host_class": "cpu-x86-64-v3",
        "policy": {"digest": "p"},
        "stack": {"keras": "3"},
        "source": "s",
        "data": {"root": "d"},
        "seed": seed,
        "weights": f"{seed:064x}",
        "metrics": metrics,
        "epochs": [],
        "status": status,
    }
    done = status in (collect.FINISHED, collect.DIVERGED)
    return collect.Replicate(seed, status, Path(f"seed-{seed}"), result if done else None, f"{seed:064x}", note)


def configuration(values, key=HASH, metric="accuracy"):
    return [replicate(seed, key=key, **{metric: value}) for seed, value in enumerate(values)]


def publish(root, replicates):
    """Write the folders of finished and diverged replicates as `train` leaves them; return the configuration's."""
    for run in (run for run in replicates if run.result):
        folder = runs.folder_of(root, "made", run.result["config_hash"], run.seed)
        if run.status == collect.DIVERGED:
            folder = folder.with_name(f"{folder.name}.diverged")
        folder.mkdir(parents=True)
        canonical.write(folder / runs.RESULT, canonical.dumps(run.result))
        runs.seal(folder, {"timings": {"total_seconds": 1.5}})
    return folder.parent

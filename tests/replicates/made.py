"""Replicates made by hand: no training, the numbers chosen by the test."""

from pathlib import Path

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
    }
    done = status in (collect.FINISHED, collect.DIVERGED)
    return collect.Replicate(seed, status, Path(f"seed-{seed}"), result if done else None, f"{seed:064x}", note)


def configuration(values, key=HASH, metric="accuracy"):
    return [replicate(seed, key=key, **{metric: value}) for seed, value in enumerate(values)]

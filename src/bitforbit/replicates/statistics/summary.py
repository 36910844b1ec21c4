"""The statistics of one configuration over its seeds: a document of plain values, and its canonical bytes.

What is in it is the same on every host of the class and for every order in which the seeds were trained: results of
IEEE operations in fixed order, and quantiles rounded by `distributions`. `sha256sum statistics.json` is its digest.
"""

from pathlib import Path

from bitforbit.errors import EvidenceError, UsageError
from bitforbit.evidence import canonical
from bitforbit.replicates import collect, seedlist
from bitforbit.replicates.statistics import bootstrap, distributions, intervals, moments

SCHEMA = "bitforbit statistics 1"
FILE = "statistics.json"
SCOPE = (
    "These numbers speak of initialisation, batch order and dropout on one fixed split of the data;"
    " not of other data, splits or hyperparameters."
)
ROUNDING = (
    f"quantiles and probabilities are rounded to {distributions.DIGITS} significant digits before use;"
    " all else is IEEE 754 binary64 in a fixed order, sums by math.fsum"
)
POWER = 0.8


def describe(replicates: list[collect.Replicate], differences: dict[str, float] | None = None) -> dict:
    """Return the document.

    Args:
        replicates: of one configuration, as `collect.collect` gives them; at least one finished.
        differences: metric to a difference of means: also say how many seeds a comparison needs to see it.

    Raises:
        EvidenceError: none has finished.
        UsageError: a difference of a metric that is not there, or not above 0.
    """
    replicates = sorted(replicates, key=lambda replicate: replicate.seed)
    finished = [replicate for replicate in replicates if replicate.status == collect.FINISHED]
    if not finished:
        told = ", ".join(f"{number} {status}" for status, number in counts(replicates).items() if number) or "none"
        raise EvidenceError(f"expected at least one finished replicate, found {told}. Next step: bitforbit replicate")
    first = finished[0].result
    names = [name for name in first["metrics"] if all(name in each.result["metrics"] for each in finished)]
    for name in (differences or {}).keys() - set(names):
        raise UsageError(f"unknown metric {name!r} of --difference. Its metrics: {', '.join(names)}")
    key = first["config_hash"]
    return {
        "schema": SCHEMA,
        "experiment": first["experiment"],
        "config": first["config"],
        "config_hash": key,
        "host_class": first["host_class"],
        "seeds": seedlist.spell([replicate.seed for replicate in replicates]),
        "counts": counts(replicates),
        "replicates": [_row(replicate) for replicate in replicates],
        "metrics": {
            name: of_values(
                [each.result["metrics"][name] for each in finished], f"{key}/{name}", (differences or {}).get(name)
            )
            for name in names
        },
        "scope": SCOPE,
        "rounding": ROUNDING,
    }


def counts(replicates: list[collect.Replicate]) -> dict[str, int]:
    """Return how many replicates there are of each status."""
    statuses = (collect.FINISHED, collect.DIVERGED, collect.FAILED, collect.MISSING)
    return {status: sum(replicate.status == status for replicate in replicates) for status in statuses}


def _row(replicate: collect.Replicate) -> dict:
    row = {"seed": replicate.seed, "status": replicate.status}
    if replicate.status == collect.FINISHED:
        row |= {"result": replicate.digest, "weights": replicate.result["weights"],
                "metrics": replicate.result["metrics"]}  # fmt: skip
    return row


def of_values(values: list[float], label: str, difference: float | None = None) -> dict:
    """Return the statistics of one metric.

    Args:
        values: in the order of their seeds.
        label: names the bootstrap's random stream.
        difference: also say how many seeds a comparison needs to see this difference of means.

    Raises:
        UsageError: `difference` is not above 0.
    """
    told = {
        "n": len(values),
        "mean": moments.mean(values),
        "median": moments.median(values),
        "interquartile_mean": moments.interquartile_mean(values),
        "min": min(values),
        "max": max(values),
    }
    if len(values) < 2:
        return told
    spread = moments.deviation(values)
    needed = {"0.5 SD": 0.5 * spread, "1 SD": spread} if spread else {}
    if difference is not None:
        needed[repr(difference)] = difference
    return told | {
        "deviation": spread,
        "deviation_interval": intervals.of_deviation(values),
        "mean_interval": intervals.of_mean(values),
        "next_run_interval": intervals.of_next(values),
        "median_interval": bootstrap.interval(values, bootstrap.median, label),
        "interquartile_mean_interval": bootstrap.interval(values, bootstrap.interquartile_mean, label),
        "standard_errors": [[n, moments.standard_error(values[:n])] for n in range(2, len(values) + 1)],
        "seeds_needed": [
            {"difference": name, "independent": intervals.seeds_needed(spread, amount, POWER)}
            for name, amount in needed.items()
        ],
    }


def write(folder: Path, document: dict) -> str:
    """Write `statistics.json` into `folder`, whole or not at all; return its SHA-256."""
    canonical.write(folder / FILE, canonical.dumps(document))
    return canonical.digest(document)

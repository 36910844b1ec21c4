"""Two or more configurations held against each other on one metric that was named beforehand.

The design decides the method, never the numbers: equal seed lists are paired by seed (bit-exact seeds give both the
same initial weights and batch order), other lists are independent samples.
"""

from typing import NamedTuple

from bitforbit.errors import EvidenceError, UsageError
from bitforbit.replicates import collect, seedlist
from bitforbit.replicates.statistics import differences, intervals, moments, sequential, summary, superiority
from bitforbit.replicates.statistics.goal import Goal

SCHEMA = "bitforbit comparison 1"
FEWEST = 5
LEVEL = 0.05
PAIRED, INDEPENDENT = "paired by seed", "independent seeds"


class Configuration(NamedTuple):
    """All replicates of one configuration under a short name, as `A`."""

    name: str
    replicates: list[collect.Replicate]

    def results(self) -> list[dict]:
        return [replicate.result for replicate in self.replicates if replicate.status == collect.FINISHED]


def compare(
    configurations: list[Configuration], goal: Goal, looks: list[int] | None = None, difference: float | None = None
) -> dict:
    """Return the document: the first configuration against each other one.

    A run that diverged loses against every run that finished, and draws with one that diverged too; it has no value, so
    the means are those of finished runs. A run that failed for another reason takes part in nothing. All are counted.

    Args:
        configurations: at least two, of different hashes and one host class.
        goal: metric and direction.
        looks: planned numbers of seeds for repeated looks, or `None` for one look at all seeds.
        difference: of the means: say how many seeds see it. Defaults to one standard deviation of A's runs.

    Raises:
        UsageError: too few runs, an unknown metric, one configuration twice.
        EvidenceError: classes differ, so that the numbers must not be mixed.
    """
    _check(configurations, goal)
    level = LEVEL / (len(configurations) - 1)
    planned = list(zip(looks, sequential.levels(looks, level), strict=True)) if looks else [(None, level)]
    found = [_against(configurations[0], other, goal, planned, difference) for other in configurations[1:]]
    if not looks:
        for one, adjusted in zip(found, differences.holm([one["p"] for one in found]), strict=True):
            one["p_holm"] = adjusted
    return {
        "schema": SCHEMA,
        "metric": goal.metric,
        "direction": goal.direction,
        "level": LEVEL,
        "looks": [{"seeds": look, "level": share} for look, share in planned] if looks else None,
        "configurations": [_describe(each, goal) for each in configurations],
        "comparisons": found,
        "scope": summary.SCOPE,
        "rounding": summary.ROUNDING,
    }


def _check(configurations: list[Configuration], goal: Goal) -> None:
    seen: dict[str, str] = {}
    for name, replicates in configurations:
        finished = [replicate for replicate in replicates if replicate.status == collect.FINISHED]
        if len(finished) < FEWEST:
            raise UsageError(
                f"expected at least {FEWEST} finished replicates of {name}, found {len(finished)}: too few to tell a"
                " difference from luck. Next step: bitforbit replicate --seeds 0-29"
            )
        key = finished[0].result["config_hash"]
        if key in seen:
            raise UsageError(f"expected different configurations, found {seen[key]} and {name} to be {key[:12]} both")
        seen[key] = name
        for replicate in finished:
            if goal.metric not in replicate.result["metrics"]:
                known = ", ".join(replicate.result["metrics"])
                raise UsageError(f"unknown metric {goal.metric!r} in {name}. Its metrics: {known}. Next step: --metric")
    classes = {each.results()[0]["host_class"]: each.name for each in reversed(configurations)}
    if len(classes) > 1:
        told = ", ".join(f"{key} ({name})" for key, name in sorted(classes.items(), key=lambda item: item[1]))
        raise EvidenceError(f"expected configurations of one host class, found {told}: their bits must not be mixed")


def _describe(each: Configuration, goal: Goal) -> dict:
    first = each.results()[0]
    values = [result["metrics"][goal.metric] for result in each.results()]
    return {
        "name": each.name,
        "experiment": first["experiment"],
        "config": first["config"],
        "config_hash": first["config_hash"],
        "host_class": first["host_class"],
        "seeds": seedlist.spell([replicate.seed for replicate in each.replicates]),
        "counts": summary.counts(each.replicates),
        "results": [replicate.digest for replicate in each.replicates],
        "mean": moments.mean(values),
        "deviation": moments.deviation(values),
    }


def _against(one: Configuration, other: Configuration, goal: Goal, planned: list, difference) -> dict:
    """Compare two at the first look that decides, else at the last one that the seeds reach."""
    reached = [(look, level) for look, level in planned if look is None or look <= _length(one, other)]
    if not reached:
        raise UsageError(
            f"expected at least {planned[0][0]} seeds of each for the first look, found {_length(one, other)} of"
            f" {one.name} and {other.name}. Next step: bitforbit replicate --seeds 0-{planned[0][0] - 1}"
        )
    paired = [run.seed for run in one.replicates] == [run.seed for run in other.replicates]
    for look, level in reached:
        found = _at(one.replicates[:look], other.replicates[:look], goal, paired, level, (one.name, other.name))
        if found["verdict"] != superiority.UNDECIDED:
            break
    found["seeds_needed"] = _needed(found["seeds_needed"], difference)
    design = PAIRED if paired else INDEPENDENT
    return {
        "a": one.name,
        "b": other.name,
        "differs_in": _differing(one, other),
        "design": design,
        "look": look,
    } | found


def _length(one: Configuration, other: Configuration) -> int:
    return min(len(one.replicates), len(other.replicates))


def _at(a: list, b: list, goal: Goal, paired: bool, level: float, names: tuple[str, str]) -> dict:
    sign = 1 if goal.higher else -1
    if paired:
        pairs = [pair for pair in zip(a, b, strict=True) if all(_counts(run) for run in pair)]
        ranked = ([_rank(run, goal, sign) for run in side] for side in zip(*pairs, strict=True))
        both = [pair for pair in pairs if all(run.status == collect.FINISHED for run in pair)]
        sides = [[run.result["metrics"][goal.metric] for run in side] for side in zip(*both, strict=True)] or [[], []]
    else:
        ranked = ([_rank(run, goal, sign) for run in side if _counts(run)] for side in (a, b))
        sides = [[r.result["metrics"][goal.metric] for r in side if r.status == collect.FINISHED] for side in (a, b)]
    if min(map(len, sides)) < FEWEST:
        what = "pairs that finished" if paired else "finished replicates of each"
        raise UsageError(f"expected at least {FEWEST} {what}, found {min(map(len, sides))} of {' and '.join(names)}")
    key = "/".join(run.result["config_hash"] for run in (_first(a), _first(b))) + f"/{goal.metric}"
    if paired:
        tested = differences.paired(*sides, key, 1 - level)
        spreads = {"independent": moments.deviation(sides[0]), "paired": tested.pop("deviation_of_differences")}
        probability, interval = superiority.paired(*ranked, 1 - level)
    else:
        tested, spreads = differences.independent(*sides, 1 - level), {"independent": moments.deviation(sides[0])}
        probability, interval = superiority.independent(*ranked, 1 - level)
    return tested | {
        "n": [len(side) for side in sides],
        "confidence": 1 - level,
        "probability": probability,
        "probability_interval": interval,
        "verdict": superiority.verdict(interval),
        "seeds_needed": spreads,
    }


def _counts(run: collect.Replicate) -> bool:
    return run.status in (collect.FINISHED, collect.DIVERGED)


def _rank(run: collect.Replicate, goal: Goal, sign: int) -> float:
    return sign * run.result["metrics"][goal.metric] if run.status == collect.FINISHED else float("-inf")


def _first(replicates: list[collect.Replicate]) -> collect.Replicate:
    return next(replicate for replicate in replicates if replicate.result)


def _needed(spreads: dict[str, float], difference: float | None) -> dict | None:
    """Return the seeds that a difference needs with 80 % power; by default one standard deviation of A's runs."""
    wanted = difference or spreads["independent"]
    if not wanted:
        return None
    return {"difference": wanted} | {
        way: intervals.seeds_needed(spread, wanted, summary.POWER, paired=way == "paired")
        for way, spread in spreads.items()
    }


def _differing(one: Configuration, other: Configuration) -> list[list]:
    """Return `[key, A's value, B's value]` for each part of the identity in which the two differ."""
    first, second = one.results()[0], other.results()[0]
    rows = []
    for part in ("config", "stack", "policy"):
        for key in sorted(first[part].keys() | second[part].keys()):
            left, right = first[part].get(key), second[part].get(key)
            if left != right:
                rows.append([key, left, right])
    for key, value in (
        ("experiment", first["experiment"]),
        ("source", first["source"]),
        ("data", first["data"]["root"]),
    ):
        theirs = second["data"]["root"] if key == "data" else second[key]
        if value != theirs:
            rows.append([key, value, theirs])
    return rows

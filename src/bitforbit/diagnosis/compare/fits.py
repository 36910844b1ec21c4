"""The first difference of two published runs of scripts: fit by fit, then the global models."""

from dataclasses import replace

from bitforbit.diagnosis.compare import difference, epochs
from bitforbit.diagnosis.compare.difference import Difference
from bitforbit.diagnosis.compare.subjects import Subject
from bitforbit.evidence import runs


def first(a: Subject, b: Subject) -> Difference | None:
    """Return the first difference of two runs of scripts, or `None` where everything that was digested is equal."""
    left, right = _fits(a), _fits(b)
    for mine, theirs in zip(left, right, strict=False):
        found = epochs.of_data(mine, theirs, "fit was given other numbers") or epochs.of_epochs(mine, theirs)
        if found:
            return replace(found, summary=f"{mine.name}: {found.summary}")
    if len(left) != len(right):
        return _after(left, "fits", f"one script made {len(left)} fits, the other one {len(right)}")
    mine, theirs = a.result["models"], b.result["models"]
    for name in sorted(mine.keys() | theirs.keys()):
        if mine.get(name) != theirs.get(name):
            return _after(left, name, f"equal fits, but the weights of the global model {name} differ")
    return None


def _fits(side: Subject) -> list[epochs.Training]:
    table = side.folder / runs.DIGESTS
    return [
        epochs.Training(f"fit {fit['fit']} ({fit['model']})", fit, epochs.rows(table, fit["fit"]))
        for fit in side.result["fits"]
    ]


def _after(fits: list[epochs.Training], site: str, summary: str) -> Difference:
    last = fits[-1].record["epochs"][-1]["epoch"] if fits and fits[-1].record["epochs"] else 0
    return Difference(difference.TRAINING, "epoch", last, None, "", site, site, "", summary)

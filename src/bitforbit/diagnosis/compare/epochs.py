"""The first epoch at which two published runs differ: all that can be told without traces."""

import csv
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.compare import difference, elements
from bitforbit.diagnosis.compare.difference import Difference
from bitforbit.diagnosis.compare.subjects import Subject
from bitforbit.evidence import runs


class Training(NamedTuple):
    """One training of a published run: an experiment's only one, or one fit of a script.

    Attributes:
        name: the experiment's, or the number of the fit and the model's name.
        record: with `data`, `epochs` and `variables`, as `result.json` has them.
        rows: SHA-256 of each weight by epoch and path.
        kept: the run, where it kept the model.
    """

    name: str
    record: dict
    rows: dict[int, dict[str, str]]
    kept: Subject | None = None


def first(a: Subject, b: Subject) -> Difference | None:
    """Return the first difference of two published runs, or `None` where their results are equal."""
    left, right = (
        Training(side.result["experiment"], side.result, rows(side.folder / runs.DIGESTS), side) for side in (a, b)
    )
    return of_data(left, right, "load_data returned other numbers") or of_epochs(left, right) or _rest(left, right)


def of_data(a: Training, b: Training, meaning: str) -> Difference | None:
    """Return what of the data differs, which `meaning` says in words."""
    left, right = ({item["path"]: item for item in side.record["data"]["arrays"]} for side in (a, b))
    names = tuple(path for path in {**left, **right} if left.get(path) != right.get(path))
    if not names:
        return None
    item = left.get(names[0]) or right[names[0]]
    return Difference(
        difference.DATA, "epoch", 0, None, a.name, names[0], names[0], _tensor(item), meaning, names, len(left)
    )


def of_epochs(a: Training, b: Training) -> Difference | None:
    """Return the first epoch after which weights, other state or metrics differ."""
    for epoch in sorted(a.rows.keys() | b.rows.keys()):
        mine, theirs = a.rows.get(epoch, {}), b.rows.get(epoch, {})
        differing = tuple(path for path in {**mine, **theirs} if mine.get(path) != theirs.get(path))
        if differing:
            return _of_weights(a, b, epoch, differing, len(mine))
    for mine, theirs in zip(a.record["epochs"], b.record["epochs"], strict=True):
        if mine["state"] != theirs["state"]:
            return Difference(
                difference.OPTIMIZER, "epoch", mine["epoch"], None, a.name, "state", "state", "",
                "equal weights, but other optimizer slots or other states of random layers",
            )  # fmt: skip
        names = tuple(n for n in {**mine["logs"], **theirs["logs"]} if mine["logs"].get(n) != theirs["logs"].get(n))
        if names:
            values = f"{mine['logs'].get(names[0])!r} and {theirs['logs'].get(names[0])!r}"
            return Difference(
                difference.FORWARD, "epoch", mine["epoch"], None, a.name, names[0], names[0], "",
                f"equal weights, but {names[0]} is {values}", names,
            )  # fmt: skip
    return None


def _of_weights(a: Training, b: Training, epoch: int, differing: tuple[str, ...], count: int) -> Difference:
    item = next((item for item in a.record["variables"] if item["path"] == differing[0]), None)
    last = max((entry["epoch"] for entry in a.record["epochs"]), default=0)
    found = elements.of_final_weights(a.kept, b.kept, differing[0]) if a.kept and b.kept else None
    summary = "the initial weights differ" if epoch == 0 else f"equal up to epoch {epoch - 1}, other weights after it"
    if found and epoch != last:
        summary += f"; the elements are those after the last epoch ({last})"
    return Difference(
        difference.INIT if epoch == 0 else difference.TRAINING, "epoch", epoch, None, a.name,
        differing[0], differing[0], _tensor(item) if item else "", summary, differing, count, found,
    )  # fmt: skip


def _rest(a: Training, b: Training) -> Difference | None:
    for name in ("metrics", "predictions", "model"):
        if a.record[name] != b.record[name]:
            return Difference(
                difference.FORWARD, "epoch", len(a.record["epochs"]), None, a.name, name, name, "",
                f"equal weights after every epoch, other {name}",
            )  # fmt: skip
    return None


def _tensor(item: dict) -> str:
    return f"{item['dtype']} {tuple(item['shape'])}"


def rows(path: Path, fit: int | None = None) -> dict[int, dict[str, str]]:
    """Return the SHA-256 of each weight by epoch and path, of one `fit` where a script had several."""
    epochs: dict[int, dict[str, str]] = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if fit is None or row["fit"] == str(fit):
                epochs.setdefault(int(row["epoch"]), {})[row["variable"]] = row["sha256"]
    return epochs

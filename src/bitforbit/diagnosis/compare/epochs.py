"""The first epoch at which two published runs differ: all that can be told without traces."""

import csv
from pathlib import Path

from bitforbit.diagnosis.compare import difference, elements
from bitforbit.diagnosis.compare.difference import Difference
from bitforbit.diagnosis.compare.subjects import Subject
from bitforbit.evidence import runs


def first(a: Subject, b: Subject) -> Difference | None:
    """Return the first difference of two published runs, or `None` where their results are equal."""
    return _data(a.result, b.result) or _epochs(a, b) or _rest(a.result, b.result)


def _data(a: dict, b: dict) -> Difference | None:
    if a["data"]["root"] == b["data"]["root"]:
        return None
    theirs = {item["path"]: item for item in b["data"]["arrays"]}
    differing = [item for item in a["data"]["arrays"] if theirs.get(item["path"]) != item]
    names = tuple(item["path"] for item in differing)
    item = differing[0]
    return Difference(
        difference.DATA, "epoch", 0, None, a["experiment"], names[0], names[0],
        f"{item['dtype']} {tuple(item['shape'])}", "load_data returned other numbers", names, len(a["data"]["arrays"]),
    )  # fmt: skip


def _epochs(a: Subject, b: Subject) -> Difference | None:
    left, right = (_rows(side.folder / runs.DIGESTS) for side in (a, b))
    for epoch in sorted(left.keys() | right.keys()):
        mine, theirs = left.get(epoch, {}), right.get(epoch, {})
        differing = tuple(path for path in {**mine, **theirs} if mine.get(path) != theirs.get(path))
        if differing:
            return _of_weights(a, b, epoch, differing, len(mine))
    for mine, theirs in zip(a.result["epochs"], b.result["epochs"], strict=True):
        if mine["state"] != theirs["state"]:
            return Difference(
                difference.OPTIMIZER, "epoch", mine["epoch"], None, a.result["experiment"], "state", "state", "",
                "equal weights, but other optimizer slots or other states of random layers",
            )  # fmt: skip
        if mine["logs"] != theirs["logs"]:
            names = tuple(name for name in mine["logs"] if mine["logs"][name] != theirs["logs"].get(name))
            values = f"{mine['logs'][names[0]]!r} and {theirs['logs'].get(names[0])!r}"
            return Difference(
                difference.FORWARD, "epoch", mine["epoch"], None, a.result["experiment"], names[0], names[0], "",
                f"equal weights, but {names[0]} is {values}", names,
            )  # fmt: skip
    return None


def _of_weights(a: Subject, b: Subject, epoch: int, differing: tuple[str, ...], count: int) -> Difference:
    variables = {item["path"]: item for item in a.result["variables"]}
    item = variables.get(differing[0], {"dtype": "", "shape": ()})
    last = max((entry["epoch"] for entry in a.result["epochs"]), default=0)
    found = elements.of_final_weights(a, b, differing[0])
    summary = "the initial weights differ" if epoch == 0 else f"equal up to epoch {epoch - 1}, other weights after it"
    if found and epoch != last:
        summary += f"; the elements are those after the last epoch ({last})"
    return Difference(
        difference.INIT if epoch == 0 else difference.TRAINING, "epoch", epoch, None, a.result["experiment"],
        differing[0], differing[0], f"{item['dtype']} {tuple(item['shape'])}", summary, differing, count, found,
    )  # fmt: skip


def _rest(a: dict, b: dict) -> Difference | None:
    for name in ("metrics", "predictions", "model"):
        if a[name] != b[name]:
            return Difference(
                difference.FORWARD, "epoch", len(a["epochs"]), None, a["experiment"], name, name, "",
                f"equal weights after every epoch, other {name}",
            )  # fmt: skip
    return None


def _rows(path: Path) -> dict[int, dict[str, str]]:
    epochs: dict[int, dict[str, str]] = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            epochs.setdefault(int(row["epoch"]), {})[row["variable"]] = row["sha256"]
    return epochs

"""Where two results part: data, initialization, an epoch's weights, a metric; from the two runs' published evidence."""

import csv
import json
from pathlib import Path
from typing import NamedTuple

from bitforbit.evidence import runs


class First(NamedTuple):
    """The first difference.

    Attributes:
        stage: `data`, `initialization`, `training` or `evaluation`.
        epoch: number from 1 in training, else 0.
        what: the array, variable or metric.
        parts: how many of the stage's arrays differ, and of how many: `(2, 5)`.
    """

    stage: str
    epoch: int
    what: str
    parts: tuple[int, int]

    def __str__(self) -> str:
        where = f"{self.stage}, epoch {self.epoch}" if self.epoch else self.stage
        return f"{where}: {self.what} ({self.parts[0]} of {self.parts[1]} differ)"


def between(control, other) -> First | None:
    """Return the first difference of two outcomes, `None` where one left no evidence."""
    return difference(control.folder, other.folder) if control.folder and other.folder else None


def difference(a: Path, b: Path) -> First | None:
    """Return the first difference of two runs' folders, `None` where there is none."""
    left, right = (json.loads((folder / runs.RESULT).read_bytes()) for folder in (a, b))
    return _data(left, right) or _weights(a, b) or _rest(left, right)


def _data(left: dict, right: dict) -> First | None:
    return _first("data", 0, _arrays(left), _arrays(right))


def _arrays(result: dict) -> dict:
    """The data of an experiment, or of each fit of a script."""
    found = {leaf["path"]: leaf for leaf in result.get("data", {}).get("arrays", [])}
    for fit in result.get("fits", []):
        found |= {f"fit {fit['fit']}: {leaf['path']}": leaf for leaf in fit["data"]["arrays"]}
    return found


def _weights(a: Path, b: Path) -> First | None:
    sides = [_epochs(folder) for folder in (a, b)]
    for fit, epoch in sorted(set(sides[0]) | set(sides[1])):
        stage = "training" if epoch else "initialization"
        if found := _first(stage, epoch, *(side.get((fit, epoch), {}) for side in sides)):
            return found._replace(what=f"fit {fit}: {found.what}") if fit else found
    return None


def _epochs(folder: Path) -> dict[tuple[int, int], dict[str, str]]:
    """Digests by fit (0 in an experiment) and epoch."""
    epochs: dict[tuple[int, int], dict[str, str]] = {}
    path = folder / runs.DIGESTS
    if path.exists():
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                place = int(row.get("fit", 0)), int(row["epoch"])
                epochs.setdefault(place, {})[row["variable"]] = row["sha256"]
    return epochs


def _rest(left: dict, right: dict) -> First | None:
    from bitforbit.diagnosis.vary.evidence import NOT_OUTCOME

    sides = [{p: v for p, v in _leaves("", side) if p.split("/")[0] not in NOT_OUTCOME} for side in (left, right)]
    return _first("evaluation", 0, *sides)


def _leaves(path: str, value):
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in pairs:
            yield from _leaves(f"{path}/{key}" if path else str(key), part)
    else:
        yield path, value


def _first(stage: str, epoch: int, left: dict, right: dict) -> First | None:
    names = list(dict.fromkeys([*left, *right]))
    differing = [name for name in names if left.get(name) != right.get(name)]
    return First(stage, epoch, differing[0], (len(differing), len(names))) if differing else None

"""The op that made the difference: its inputs agree, its outputs do not."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from bitforbit.diagnosis import whose
from bitforbit.diagnosis.compare import elements
from bitforbit.diagnosis.compare.difference import Op
from bitforbit.diagnosis.trace import stacks, zoom

GRADIENT_SCOPE = "gradient_tape/"


class Step(NamedTuple):
    """One zoomed step, read.

    Attributes:
        ops: records in the order of execution.
        digests: one for each output.
        row: the step's coarse digests.
        values: outputs that were kept.
    """

    ops: list[dict]
    digests: list[int]
    row: dict[str, int]
    values: object


def read(folder: Path) -> Step:
    import json

    report = json.loads((folder / zoom.REPORT).read_bytes())
    return Step(report["ops"], report["digests"], report["row"], np.load(folder / zoom.VALUES))


def find(a: Step, b: Step) -> Op | None:
    """Return the first op, in the order of execution, whose known inputs agree and one of whose outputs differs.

    Returns:
        `None` where every op agrees, or where the two steps are not made of the same ops.
    """
    if [op["type"] for op in a.ops] != [op["type"] for op in b.ops]:
        return None
    differing: set[tuple[int, int]] = set()
    first = None
    for number, op in enumerate(a.ops):
        for place, (index, column) in enumerate(op["outputs"]):
            if a.digests[column] != b.digests[b.ops[number]["outputs"][place][1]]:
                differing.add((number, place))
                agree = not any(tuple(known) in differing for known in op["inputs"])
                if first is None and agree:
                    first = number, index, column
    return None if first is None else _op(a, b, *first)


def _op(a: Step, b: Step, number: int, index: int, column: int) -> Op:
    record = a.ops[number]
    forward = _forward(a.ops, record["name"])
    origin = forward or record
    stack = origin["stack"]
    # Keras' helper is where any model's op is made; a line of the user's says which one.
    users = [place for place, entry in enumerate(stack) if whose.is_program(entry)]
    place = users[-1] if users else len(stack) - 1
    found = None
    if str(column) in a.values and str(column) in b.values:
        found = elements.compare(a.values[str(column)], b.values[str(column)])
    return Op(
        record["type"], record["name"], stacks.short(stack[place]) if stack else "(the batch)",
        stacks.code(stack[place]) if stack else "", _lines(stack[max(place - 3, 0) : max(place, 0)]),
        _lines(stack[place + 1 :][-3:]), origin.get("layer", ""), forward["name"] if forward else "", index, found,
    )  # fmt: skip


def _lines(stack) -> tuple[str, ...]:
    return tuple(f"{stacks.short(entry)} {stacks.code(entry)}" for entry in stack)


def _forward(ops: list[dict], name: str) -> dict | None:
    """Return the op whose gradient the op `name` computes: the one with the longest common path."""
    if GRADIENT_SCOPE not in name:
        return None
    parts = name.partition(GRADIENT_SCOPE)[2].split("/")
    for length in range(len(parts), 1, -1):
        path = "/".join(parts[:length])
        for op in ops:
            if op["name"] == path or op["name"].startswith(f"{path}/"):
                return op
    return None

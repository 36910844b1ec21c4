"""Ops that have no deterministic kernel on a GPU: named by op and layer, with what to use in their place.

Under op determinism TensorFlow refuses these itself, at their first run, by a message that names neither the layer nor
a way out. Each row of `gpu_ops.csv` holds that message; tests/cuda finds it in the wheel that the lock names. Sources
of the conditions: tensorflow.org, enable_op_determinism, and the tests of TensorFlow's kernels.
"""

import csv
import functools
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from bitforbit.audit import nodes
from bitforbit.errors import PolicyError

FILE = Path(__file__).with_name("gpu_ops.csv")
ALWAYS = "always"
NODE = re.compile(r"\{\{node ([^}]+)\}\}")


class Row(NamedTuple):
    """An op without a deterministic GPU kernel.

    Attributes:
        op: TensorFlow's op type.
        when: `always`, or the condition under which TensorFlow refuses it.
        message: what TensorFlow says then, from its start.
        instead: what to use in its place.
        api: dotted paths of the functions that make it, or whose gradient does, apart by spaces; some are not known.
    """

    op: str
    when: str
    message: str
    instead: str
    api: str = ""


class Finding(NamedTuple):
    """One such op in a model, and which layers, losses, metrics and optimizers made it."""

    row: Row
    layers: tuple[str, ...]

    def __str__(self) -> str:
        where = f" in {', '.join(self.layers)}" if self.layers else ""
        condition = "" if self.row.when == ALWAYS else f", {self.row.when}"
        return f"{self.row.op}{where}{condition}. Next step: use {self.row.instead}."


class GpuAudit(NamedTuple):
    """The findings of a model for a run on a GPU, by op."""

    findings: list[Finding]

    def certain(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.row.when == ALWAYS]

    def lowered(self) -> dict:
        """Return what a result says in place of its class: nothing where no op is refused."""
        ops = [finding.row.op for finding in self.certain()]
        return {"host_class": "unpinned", "nondeterministic_ops": ops} if ops else {}


@functools.cache
def rows() -> dict[str, Row]:
    """Return the rows of `gpu_ops.csv` by op."""
    with open(FILE, newline="") as file:
        return {line["op"]: Row(**line) for line in csv.DictReader(file)}


def audit(uses: Counter) -> GpuAudit:
    """Return the findings for `uses`, a count of `nodes.Use`; what ran while the model was built counts too."""
    layers: dict[str, set[str]] = {}
    for use in uses:
        if use.op in rows():
            layers.setdefault(use.op, set()).update([use.layer] if use.layer else [])
    return GpuAudit([Finding(rows()[op], tuple(sorted(layers[op]))) for op in sorted(layers)])


def hold(found: GpuAudit, strict: bool) -> None:
    """Refuse or warn, before the first step.

    Raises:
        PolicyError: there is an op that has no deterministic kernel, under `strict`.
    """
    certain = found.certain()
    if certain and strict:
        raise PolicyError(_refusal(certain))
    for finding in found.findings:
        print(f"warning: no deterministic GPU kernel: {finding}", file=sys.stderr)


def _refusal(findings: list[Finding]) -> str:
    lines = "\n".join(f"  {finding}" for finding in findings)
    return f"expected ops with a deterministic GPU kernel, found in the model:\n{lines}"


def explain(error: Exception, uses: Counter) -> PolicyError | None:
    """Return TensorFlow's refusal of an op as an error with op, layer and replacement; `None` for another error.

    Args:
        error: what a step raised.
        uses: what the model's graphs hold, to name the layers.
    """
    text = str(error)
    if type(error).__name__ != "UnimplementedError" or "determinis" not in text.lower():
        return None
    node = NODE.search(text)
    place = f"\n  (node {node[1]})" if node else ""
    row = next((row for row in rows().values() if row.message in text), None)
    if row is None:
        said = next(line.strip() for line in text.splitlines() if "determinis" in line.lower())
        return PolicyError(
            f"expected ops with a deterministic GPU kernel, found one without. TensorFlow says: {said}"
            f" Next step: replace the op, or place it under tf.device('CPU:0').{place}"
        )
    named = [finding for finding in audit(uses).findings if finding.row.message == row.message]
    return PolicyError(_refusal(named or [Finding(row, ())]) + place)


def command(uses: Counter, as_json: bool) -> int:
    """Print what stands in the way of a run on a GPU; return 1 where something surely does."""
    found = audit(uses)
    ops = len({use.op for use in uses if use != nodes.NOT_TRACED})
    if as_json:
        listed = [f.row._asdict() | {"layers": list(f.layers)} for f in found.findings]
        print(json.dumps({"ops": ops, "without_deterministic_gpu_kernel": listed}, indent=2))
    else:
        print(f"{ops} ops, {len(found.findings)} without a deterministic GPU kernel")
        for finding in found.findings:
            print(f"  {finding}")
    return 1 if found.certain() else 0

"""What is known of each TensorFlow op's bits on another host: one row for each op, verdict and evidence, in `ops.csv`.

Verdicts, from best to worst:

- `exact`: integers, data movement, control flow, or elementwise operations that IEEE 754 fixes.
- `replaced`: one of our kernels; these rows are derived from `bitforbit.kernels.table` and stand in no file here.
- `pinned`: the same bits under the policy, shown by the op census.
- `libc-dependent`: the kernel calls the C library: the same bits on every CPU, for one version of glibc.
- `unproven`: nobody has looked; every op and element type that has no row.
- `host-dependent`: other bits on another CPU, and no setting removes it.
"""

import csv
import functools
from pathlib import Path
from typing import NamedTuple

EXACT, REPLACED, PINNED, LIBC = "exact", "replaced", "pinned", "libc-dependent"
UNPROVEN, HOST_DEPENDENT = "unproven", "host-dependent"
VERDICTS = (EXACT, REPLACED, PINNED, LIBC, UNPROVEN, HOST_DEPENDENT)
FILE = Path(__file__).with_name("ops.csv")
FAMILIES = {
    "floats": ("float16", "bfloat16", "float32", "float64"),
    "integers": ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
}
ANY = "*"


class Row(NamedTuple):
    """What holds for one op and some of its element types.

    Attributes:
        op: TensorFlow's op type.
        verdict: one of `VERDICTS`.
        dtypes: names of element types, of `FAMILIES`, or `*` for all that no other row of the op names.
        evidence: how it is known, as `IEEE 754`, `data movement`, `census`, `kernel` (ours),
            `disassembly` (RCPPS or RSQRTPS stands in the code), `emulation` (other bits under an emulated CPU).
        instead: what to use in its place, for `host-dependent` rows.
    """

    op: str
    verdict: str
    dtypes: tuple[str, ...]
    evidence: str
    instead: str


def rows() -> list[Row]:
    """Return the rows of `ops.csv`, in the file's order."""
    with open(FILE, newline="") as file:
        return [
            Row(r["op"], r["verdict"], tuple(r["dtypes"].split()), r["evidence"], r["instead"])
            for r in csv.DictReader(file)
        ]


def replaced() -> list[Row]:
    """Return a row for each op that an exact kernel of ours replaces."""
    from bitforbit.kernels import table

    return [Row(row.op, REPLACED, tuple(row.dtypes), "kernel", "") for row in table.ROWS]


def expand(dtypes: tuple[str, ...]) -> set[str]:
    """Return the names of element types with families spelled out."""
    return {name for dtype in dtypes for name in FAMILIES.get(dtype, (dtype,))}


@functools.cache
def _by_op() -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = {}
    # Ours last: what we have replaced, the stock kernel's row no longer speaks of.
    for row in (*rows(), *replaced()):
        found.setdefault(row.op, {}).update(dict.fromkeys(expand(row.dtypes), row))
    return found


def lookup(op: str, dtype: str) -> Row:
    """Return the row that speaks of `op` with elements of type `dtype`; an `unproven` one where none does.

    Args:
        op: TensorFlow's op type.
        dtype: TensorFlow's name of the element type, or an empty text where the op has none.
    """
    known = _by_op().get(op, {})
    return known.get(dtype) or known.get(ANY) or Row(op, UNPROVEN, (dtype,), "", "")


def counts() -> dict[str, int]:
    """Return how many ops have a row of each verdict; an op may stand under several, by element type."""
    ops: dict[str, set[str]] = {verdict: set() for verdict in VERDICTS if verdict != UNPROVEN}
    for row in (*rows(), *replaced()):
        ops[row.verdict].add(row.op)
    return {verdict: len(members) for verdict, members in ops.items()}


if __name__ == "__main__":
    for _verdict, _count in counts().items():
        print(f"| `{_verdict}` | {_count} |")

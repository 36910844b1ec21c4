"""How far apart two arrays are, in units in the last place."""

from typing import NamedTuple

import numpy as np

_INTEGERS = {2: np.int16, 4: np.int32, 8: np.int64}


class Difference(NamedTuple):
    """Two arrays of one shape and dtype, compared bit by bit.

    Attributes:
        count: elements whose bits differ.
        size: elements in all.
        largest_ulp: the largest distance, in representable numbers between the two; -0.0 and 0.0 are 1 apart.
    """

    count: int
    size: int
    largest_ulp: int

    def __str__(self) -> str:
        return f"{self.count} of {self.size} elements differ, by at most {self.largest_ulp} ulp"


def compare(a: np.ndarray, b: np.ndarray) -> Difference:
    """Compare two arrays of the same shape and floating or integer dtype.

    Raises:
        ValueError: shapes or dtypes differ.
    """
    if a.shape != b.shape or a.dtype != b.dtype:
        raise ValueError(f"expected equal shapes and dtypes, received {a.dtype}{a.shape} and {b.dtype}{b.shape}")
    if a.size == 0:
        return Difference(0, 0, 0)
    integer = _INTEGERS.get(a.dtype.itemsize, np.uint8)
    left, right = (np.ascontiguousarray(x).reshape(-1).view(integer) for x in (a, b))
    differing = left != right
    if not differing.any():
        return Difference(0, a.size, 0)
    # Python's integers cannot overflow, and only differing elements come here.
    order = _order_of_floats(a.dtype.itemsize) if a.dtype.kind in "fV" else int
    pairs = zip(left[differing].tolist(), right[differing].tolist(), strict=True)
    return Difference(int(differing.sum()), a.size, max(abs(order(x) - order(y)) for x, y in pairs))


def _order_of_floats(itemsize: int):
    """Return a function that numbers floats, given as signed integers, in their order; -0.0 comes just before 0.0."""
    magnitude = (1 << (8 * itemsize - 1)) - 1
    return lambda bits: bits if bits >= 0 else -(bits & magnitude) - 1

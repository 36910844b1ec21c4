"""How two tensors differ: how many elements, how far, and what kind of difference it is."""

import io
import zipfile

import numpy as np

from bitforbit.diagnosis.compare.difference import Elements
from bitforbit.diagnosis.compare.subjects import Subject
from bitforbit.evidence import digests, runs, ulp


def compare(a: np.ndarray, b: np.ndarray) -> Elements | None:
    """Compare two arrays of one shape and dtype; `None` where these differ or nothing does."""
    if a.shape != b.shape or a.dtype != b.dtype or a.dtype.kind not in "fiubV":
        return None
    found = ulp.compare(a, b)
    return Elements(*found, describe(a, b, found.largest_ulp)) if found.count else None


def describe(a: np.ndarray, b: np.ndarray, largest_ulp: int) -> str:
    """Return in words what a difference looks like, the most special name first."""
    differing = _bits(a) != _bits(b)
    left, right = a.reshape(-1)[differing], b.reshape(-1)[differing]
    if a.dtype.kind == "f":
        if not (left.any() or right.any()):
            return "only the sign of zero"
        if np.isnan(left).all() and np.isnan(right).all():
            return "only the payload of NaN"
        if np.isnan(left).any() or np.isnan(right).any():
            return "NaN in one of them"
    if np.array_equal(np.sort(_bits(a)), np.sort(_bits(b))):
        return "the same elements in another order"
    # Bytes, because a bit count does not depend on the width.
    flips = np.unpackbits(np.bitwise_xor(_bits(left), _bits(right)).view(np.uint8))
    if flips.sum() <= 2:
        return f"{int(flips.sum())} flipped bit{'s' if flips.sum() > 1 else ''}"
    if a.dtype.kind != "f":
        return "other values"
    return "rounding: another order of the same sums" if largest_ulp <= 1024 else "other values"


def _bits(array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array).reshape(-1)
    return array.view({1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}[array.dtype.itemsize])


def of_final_weights(a: Subject, b: Subject, path: str) -> Elements | None:
    """Compare one variable in the `model.keras` that both runs kept; `None` where it is the same there or absent."""
    arrays = [_variable(side, path) for side in (a, b)]
    return None if any(array is None for array in arrays) else compare(*arrays)


def _variable(side: Subject, path: str) -> np.ndarray | None:
    """Return a variable's array: the one whose digest, under that path, is the recorded one."""
    import h5py

    record = next((item for item in side.result["variables"] if item["path"] == path), None)
    try:
        content = zipfile.ZipFile(side.folder / runs.MODEL).read("model.weights.h5")
    except (OSError, KeyError, zipfile.BadZipFile):
        return None
    if record is None:
        return None
    found: list[np.ndarray] = []

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and list(item.shape) == record["shape"] and not found:
            array = item[()]
            if digests.leaf(path, array).digest == record["sha256"]:
                found.append(array)

    with h5py.File(io.BytesIO(content), "r") as file:
        file.visititems(visit)
    return found[0] if found else None

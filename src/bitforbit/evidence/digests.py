"""SHA-256 of arrays: path, dtype, shape and little-endian bytes, so that no two different sets of arrays share one.

A leaf's digest covers its header (each text with its length before it) and its bytes as they are: the sign of zero and
the payload of a NaN count. The root covers the number of leaves and their digests in order; order therefore counts.
"""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

LEAF, ROOT = b"bitforbit leaf 1\0", b"bitforbit root 1\0"


class Leaf(NamedTuple):
    """One array's identity.

    Attributes:
        path: name of the array, as `dense/kernel`.
        dtype: NumPy's name of the element type.
        shape: dimensions.
        digest: 64 hex digits.
    """

    path: str
    dtype: str
    shape: tuple[int, ...]
    digest: str

    def record(self) -> dict:
        return {"path": self.path, "dtype": self.dtype, "shape": list(self.shape), "sha256": self.digest}


def leaf(path: str, array) -> Leaf:
    """Return the leaf of one array (any shape; numeric, bool or fixed-width string dtype).

    Raises:
        TypeError: the array holds Python objects, which have no bytes of their own.
    """
    array = np.asarray(array)
    if array.dtype.hasobject:
        raise TypeError(f"expected an array of numbers at {path!r}, received dtype {array.dtype}")
    name, shape = array.dtype.name, array.shape
    hasher = hashlib.sha256(LEAF)
    for text in (path, name, ",".join(map(str, shape))):
        encoded = text.encode()
        hasher.update(len(encoded).to_bytes(8, "little") + encoded)
    little = array.dtype.newbyteorder("<") if array.dtype.byteorder in "<>=" else array.dtype
    flat = np.ascontiguousarray(array.astype(little, copy=False)).reshape(-1)
    hasher.update(memoryview(flat.view(np.uint8)) if flat.size else b"")
    return Leaf(path, name, shape, hasher.hexdigest())


def root(leaves: Iterable[Leaf]) -> str:
    """Return the digest over the ordered leaves, 64 hex digits."""
    ordered = list(leaves)
    hasher = hashlib.sha256(ROOT + len(ordered).to_bytes(8, "little"))
    for item in ordered:
        hasher.update(bytes.fromhex(item.digest))
    return hasher.hexdigest()


def tree(path: str, value) -> list[Leaf]:
    """Return the leaves of nested dicts (in the order of their keys), tuples and lists of arrays."""
    if isinstance(value, dict):
        return [item for key in sorted(value) for item in tree(f"{path}/{key}", value[key])]
    if isinstance(value, (tuple, list)):
        return [item for index, part in enumerate(value) for item in tree(f"{path}/{index}", part)]
    return [leaf(path, value)]

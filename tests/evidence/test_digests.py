"""Digests, against hashes put together by hand in this file."""

import hashlib
import struct

import numpy as np
import pytest

from bitforbit.evidence import digests


def by_hand(path, dtype, shape, content):
    texts = b"".join(struct.pack("<Q", len(t)) + t for t in (path.encode(), dtype.encode(), shape.encode()))
    return hashlib.sha256(b"bitforbit leaf 1\0" + texts + content).hexdigest()


def test_leaf_covers_path_dtype_shape_and_little_endian_bytes():
    array = np.array([[1.5, -2.0]], dtype="float32")
    expected = by_hand("dense/kernel", "float32", "1,2", struct.pack("<ff", 1.5, -2.0))
    assert digests.leaf("dense/kernel", array).digest == expected


@pytest.mark.parametrize(("dtype", "code"), [("int64", "q"), ("float64", "d"), ("uint16", "H"), ("bool", "?")])
def test_leaf_of_other_dtypes(dtype, code):
    array = np.array([0, 1, 1], dtype=dtype)
    assert digests.leaf("x", array).digest == by_hand("x", dtype, "3", struct.pack(f"<3{code}", 0, 1, 1))


def test_byte_order_of_the_host_array_does_not_count():
    array = np.arange(6, dtype="<f4").reshape(2, 3)
    assert digests.leaf("x", array.astype(">f4")).digest == digests.leaf("x", array).digest


def test_memory_layout_does_not_count():
    array = np.arange(12, dtype="float32").reshape(3, 4)
    assert digests.leaf("x", np.asfortranarray(array)) == digests.leaf("x", array)
    assert digests.leaf("x", np.repeat(array, 2, axis=1)[:, ::2]) == digests.leaf("x", array)


def test_scalar_and_empty():
    assert digests.leaf("x", np.float32(1)).digest == by_hand("x", "float32", "", struct.pack("<f", 1))
    assert digests.leaf("x", np.zeros((0, 3), "float32")).digest == by_hand("x", "float32", "0,3", b"")


def test_one_bit_the_sign_of_zero_and_a_nan_payload_each_count():
    base = np.array([0.0, 1.0, np.nan], dtype="float32")
    seen = {digests.leaf("x", base).digest}
    for position, bits in ((0, 0x80000000), (1, 0x3F800001), (2, 0x7FC00001)):
        changed = base.copy()
        changed.view(np.uint32)[position] = bits
        seen.add(digests.leaf("x", changed).digest)
    assert len(seen) == 4


def test_path_dtype_and_shape_each_count():
    array = np.zeros(4, dtype="float32")
    variants = [
        digests.leaf("x", array),
        digests.leaf("y", array),
        digests.leaf("x", array.view("int32")),
        digests.leaf("x", array.reshape(2, 2)),
        digests.leaf("x", array.reshape(4, 1)),
    ]
    assert len({leaf.digest for leaf in variants}) == 5


def test_lengths_keep_texts_apart():
    """Without the lengths, path "a" + dtype "bool" and path "ab" + dtype "ool" would be one text."""
    assert by_hand("a", "bool", "", b"\1") == digests.leaf("a", np.bool_(True)).digest
    assert digests.leaf("x1", np.zeros(2, "uint8")).digest != digests.leaf("x", np.zeros((1, 2), "uint8")).digest


def test_root_by_hand_and_order_counts():
    leaves = [digests.leaf("a", np.zeros(1, "float32")), digests.leaf("b", np.ones(1, "float32"))]
    joined = struct.pack("<Q", 2) + b"".join(bytes.fromhex(leaf.digest) for leaf in leaves)
    assert digests.root(leaves) == hashlib.sha256(b"bitforbit root 1\0" + joined).hexdigest()
    assert digests.root(leaves[::-1]) != digests.root(leaves)
    assert digests.root(leaves[:1]) != digests.root(leaves)


def test_tree_orders_dicts_by_key_and_tuples_by_position():
    value = {"b": np.zeros(1), "a": (np.ones(1), np.zeros(2))}
    assert [leaf.path for leaf in digests.tree("x", value)] == ["x/a/0", "x/a/1", "x/b"]


def test_objects_are_refused():
    with pytest.raises(TypeError, match="expected an array of numbers at 'x', received dtype object"):
        digests.leaf("x", np.array([object()]))

"""The op of traces: its digests are XXH3-64, and every step's row comes out once and in order."""

import numpy as np
import pytest
import xxhash

from bitforbit.diagnosis.trace import native

SIZES = [*range(2001), 2047, 2048, 2049, 4096, 65_537, 1 << 20, 1_000_003, 5_000_000]


def reference(data: bytes) -> int:
    """XXH3-64 as another package has it, a signed integer."""
    return int(np.uint64(xxhash.xxh3_64_intdigest(data)).astype("<i8"))


@pytest.mark.parametrize("offset", [0, 1, 13, 63])
def test_it_is_xxh3_at_every_length_and_alignment(offset):
    data = np.random.default_rng(0).integers(0, 256, max(SIZES) + offset, dtype=np.uint8)[offset:]
    fingerprint = native.library().bfb_fingerprint
    found = [fingerprint(data.ctypes.data, n) for n in SIZES]
    assert found == [xxhash.xxh3_64_intdigest(data[:n]) for n in SIZES]


def test_strings_are_told_by_the_fingerprint_of_each():
    import tensorflow as tf

    words = tf.constant(["a", "bc", ""])
    eight = tf.raw_ops.Fingerprint(data=[words], method="farmhash64").numpy().tobytes()
    assert len(eight) == 8 and native.of(words) == reference(eight)
    others = ["bc", "a", ""], ["a", "bc"], ["ab", "c", ""]
    assert len({native.of(tf.constant(each)) for each in others} - {native.of(words)}) == 3


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int8", "int64", "bool", "complex64"])
def test_eagerly_and_in_a_graph_alike(dtype):
    import tensorflow as tf

    value = tf.cast(tf.reshape(tf.range(24), (2, 3, 4)), dtype)
    digests = native.Digests()
    digests.add(value)

    @tf.function
    def graph(value, text):
        inside = native.Digests()
        for tensor in (value, text, value[:0]):
            inside.add(tensor)
        return inside.row()

    text = tf.constant(["a", "bc"])
    expected = [*digests.values, native.of(text), native.of(value[:0])]
    assert graph(value, text).numpy().tolist() == expected
    assert digests.values == [reference(value.numpy().tobytes())]


def test_the_sign_of_zero_order_and_two_equal_flips_are_seen():
    import tensorflow as tf

    base = np.arange(8, dtype="float32")
    flipped = base.copy()
    flipped.view(np.uint32)[:2] ^= 1 << 20
    minus = base.copy()
    minus[0] = -0.0
    assert len({native.of(tf.constant(x)) for x in (base, base[::-1].copy(), flipped, minus)}) == 4


@pytest.mark.parametrize("write", [native.Digests.row, native.Digests.later])
def test_a_loop_longer_than_the_ring_loses_no_step(write):
    import tensorflow as tf

    rows = []
    ring = native.Ring(2, lambda: rows.append(ring.take()))
    value = tf.Variable(0)

    @tf.function
    def step():
        value.assign_add(1)
        digests = native.Digests()
        digests.add(tf.convert_to_tensor(value))
        digests.add(tf.constant(7))
        write(digests, ring)

    @tf.function
    def loop(n):
        for _ in tf.range(n):
            step()

    loop(tf.constant(150))
    step()
    assert ring.steps == 151
    rows.append(ring.take())
    assert [len(part) for part in rows] == [64, 64, 23]
    expected = [[native.of(tf.constant(n)), native.of(tf.constant(7))] for n in range(1, 152)]
    assert np.concatenate(rows).tolist() == expected
    ring.close()
    # A graph that outlives its trace writes nowhere.
    loop(tf.constant(70))
    assert ring.steps == 151


def test_large_tensors_are_shared_among_threads_with_the_same_digests(library):
    import tensorflow as tf

    values = [tf.range(n) for n in (100_000, 3, 50_000, 70_001, 9)]

    @tf.function
    def graph(*values):
        digests = native.Digests()
        for value in values:
            digests.add(value)
        return digests.row()

    assert {tuple(graph(*values).numpy().tolist()) for _ in range(20)} == {tuple(map(native.of, values))}


def test_a_digest_made_later_is_of_the_bytes_of_its_step(library):
    """The variable changes at once, in its place, and more than one stream waits."""
    import tensorflow as tf

    value = tf.Variable(tf.range(300_000))
    taken = {0: [], 1: []}
    rings = [native.Ring(2, lambda n=n: taken[n].append(rings[n].take())) for n in (0, 1)]

    @tf.function
    def loop(n):
        for _ in tf.range(n):
            for ring in rings:
                digests = native.Digests()
                digests.add(tf.convert_to_tensor(value))
                digests.add(value[:3])
                digests.later(ring)
                value.assign_add(tf.ones_like(value))

    loop(tf.constant(100))
    assert [ring.steps for ring in rings] == [100, 100]
    native.Ring.wait()
    for n, ring in enumerate(rings):
        taken[n].append(ring.take())
        ring.close()
        steps = [np.arange(300_000, dtype="int32") + 2 * step + n for step in range(100)]
        expected = [[native.of(tf.constant(step)), native.of(tf.constant(step[:3]))] for step in steps]
        assert np.concatenate(taken[n]).tolist() == expected


@pytest.mark.parametrize("write", [native.Digests.row, native.Digests.later])
def test_tensors_of_one_memory_have_one_digest_each(write):
    import tensorflow as tf

    ring = native.Ring(4, lambda: None)

    @tf.function
    def step(value):
        digests = native.Digests()
        half = value[:20_000]
        for tensor in (value, half, tf.reshape(value, [2, -1]), tf.reshape(half, [-1])):
            digests.add(tensor)
        write(digests, ring)

    value = tf.range(40_000)
    step(value)
    ring.wait()
    whole, half = native.of(value), native.of(value[:20_000])
    assert ring.take().tolist() == [[whole, half, whole, half]]
    ring.close()


def test_a_ring_that_keeps_has_the_tensors_of_the_last_step():
    import tensorflow as tf

    ring = native.Ring(4, lambda: None, keep=True)

    @tf.function
    def step(value):
        digests = native.Digests()
        for tensor in (value, value[0] > 0, tf.cast(value, "bfloat16"), value[:0]):
            digests.add(tensor)
        return digests.row(ring)

    for scale in (1.0, -2.5):
        step(tf.constant([[0.0, -0.0, 3.0], [1.0, 2.0, 3.0]]) * scale)
    value = np.array([[0.0, -0.0, 3.0], [1.0, 2.0, 3.0]], "float32") * np.float32(-2.5)
    bfloat16 = tf.bfloat16.as_numpy_dtype
    expected = [value, value[0] > 0, value.astype(bfloat16), value[:0]]
    kept = [ring.value(column, array.dtype) for column, array in enumerate(expected)]
    assert [(a.shape, a.dtype, a.tobytes()) for a in kept] == [(a.shape, a.dtype, a.tobytes()) for a in expected]
    ring.close()
    # A graph that outlives its trace holds nothing.
    step(tf.constant([[1.0, 2.0, 3.0]]))
    assert not native.library().bfb_digest_kept(ring.number, 0, None, None, None)

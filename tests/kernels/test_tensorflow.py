"""TensorFlow really runs our kernels: every op and dtype of the table, eager and in a graph, with the stock behaviour
around them (shapes, errors, gradients), in any floating point mode of the caller."""

import numpy as np
import pytest

from bitforbit.kernels.table import ROWS, names

from . import references

UNARY_OPS = [(row.op, dtype) for row in ROWS for dtype in row.dtypes if row.op in references.UNARY]


def raw(op, x):
    import tensorflow as tf

    return getattr(tf.raw_ops, op)(x=x)


def test_the_table_is_what_the_library_registers(library):
    assert sorted(library.registered) == sorted(names())


def test_ours_have_the_highest_priority(library):
    """One kernel an op, for just the table's types: each more would cost every eager call a comparison of attributes."""
    import tensorflow as tf
    from tensorflow.python.framework import kernels

    for row in ROWS:
        on_cpu = [k for k in kernels.get_registered_kernels_for_op(row.op).kernel if k.device_type == "CPU"]
        ours = [k for k in on_cpu if k.priority]
        assert [k.priority for k in ours] == [100], row.op
        allowed = {c.name: list(c.allowed_values.list.type) for c in ours[0].constraint}
        assert allowed.pop("T") == [tf.as_dtype(dtype).as_datatype_enum for dtype in row.dtypes], row.op
        assert allowed in ({}, {"U": [tf.float32.as_datatype_enum]}), row.op
        assert any(
            {c.name for c in k.constraint} == {c.name for c in ours[0].constraint} for k in on_cpu if not k.priority
        )


@pytest.mark.parametrize(("op", "dtype"), UNARY_OPS)
@pytest.mark.parametrize("graph", [False, True])
def test_selected(op, dtype, graph, call):
    """The op's bits are the C function's bits; the stock kernels' differ (see the evidence column)."""
    import tensorflow as tf

    x = tf.cast(tf.constant(np.random.default_rng(3).random(20_003, np.float32)), dtype)
    run = tf.function(raw) if graph else raw
    expected = tf.cast(tf.constant(call(op, tf.cast(x, tf.float32).numpy())), dtype)
    assert np.array_equal(run(op, x).numpy().view(np.uint8), expected.numpy().view(np.uint8))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_softmax_selected(dtype, library):
    import tensorflow as tf

    x = np.random.default_rng(5).normal(0, 3, (33, 40)).astype(np.float32)
    x = tf.cast(tf.constant(x), dtype)
    wide = tf.nn.softmax(tf.cast(x, tf.float32))
    assert np.array_equal(tf.nn.softmax(x).numpy().view(np.uint8), tf.cast(wide, dtype).numpy().view(np.uint8))
    assert set(references.bits(tf.nn.softmax(tf.zeros((8, 10))).numpy()).ravel()) == {0x3DCCCCCD}


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1, 2, 1, 2, 1, 2, 1, 2), (70_001,)])
@pytest.mark.parametrize("op", ["Rsqrt", "Erfc"])
def test_shapes(op, shape, library, call):
    import tensorflow as tf

    x = np.random.default_rng(1).random(shape).astype(np.float32)
    y = raw(op, tf.constant(x)).numpy()
    assert y.shape == shape
    assert np.array_equal(references.bits(y).ravel(), references.bits(call(op, x.ravel())))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 5), (1, 2, 1, 2, 1, 2, 1, 2), (5,)])
def test_softmax_shapes(shape, library):
    import tensorflow as tf

    y = tf.raw_ops.Softmax(logits=tf.ones(shape)).numpy()
    assert y.shape == shape
    assert y.size == 0 or np.allclose(y, 1 / shape[-1])


def test_errors_are_the_stock_ones(library):
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match="logits must have >= 1 dimension, got"):
        tf.raw_ops.Softmax(logits=1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Incompatible shapes: \[2,3\] vs. \[4\]"):
        tf.raw_ops.Atan2(y=tf.ones((2, 3)), x=tf.ones(4))
    with pytest.raises((TypeError, tf.errors.InvalidArgumentError)):
        raw("Rsqrt", tf.constant([1, 2]))


@pytest.mark.parametrize(
    "shapes",
    [
        ((3, 4), (3, 4)),
        ((3, 4), ()),
        ((), (5,)),
        ((2, 1, 3), (4, 1)),
        ((1, 7), (3000, 1)),
        ((0, 3), (3,)),
        ((1,), (1, 1, 1)),
    ],
)
def test_atan2_broadcasts(shapes, library):
    import tensorflow as tf

    generator = np.random.default_rng(9)
    y, x = (generator.normal(0, 1, s).astype(np.float32) for s in shapes)
    got = tf.math.atan2(y, x).numpy()
    exact = np.arctan2(y.astype(np.longdouble), x.astype(np.longdouble))
    assert got.shape == exact.shape
    assert got.size == 0 or references.ulps(got, exact).max() <= 0.51


@pytest.mark.parametrize("mode", [0x1F80, 0x9FC0, 0x9F80, 0x1FC0])
def test_any_mode_of_the_caller(mode, library):
    """FTZ and DAZ on or off in the calling thread: the same bits, and the mode stays the caller's."""
    import tensorflow as tf

    x = tf.constant(references.samples(count=3000))
    expected = [references.bits(raw(op, x).numpy()) for op in ("Rsqrt", "Reciprocal", "Erfc", "Atan")]
    before = library.mxcsr
    try:
        library.set_mxcsr(mode)
        got = [references.bits(raw(op, x).numpy()) for op in ("Rsqrt", "Reciprocal", "Erfc", "Atan")]
        after = library.mxcsr
    finally:
        library.set_mxcsr(before)
    assert after & 0xFFC0 == mode & 0xFFC0
    assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))


def test_gradients_flow(library):
    import tensorflow as tf

    x = tf.constant([0.5, 1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        outputs = [tf.math.rsqrt(x), tf.math.reciprocal(x), tf.math.erfc(x), tf.math.atan(x), tf.nn.softmax(x)[0]]
    grads = [tape.gradient(y, x).numpy() for y in outputs]
    v = x.numpy().astype(np.float64)
    p = np.exp(v) / np.exp(v).sum()
    exact = [-0.5 * v**-1.5, -(v**-2), -2 / np.sqrt(np.pi) * np.exp(-v * v), 1 / (1 + v * v), p[0] * (np.eye(3)[0] - p)]
    for got, want in zip(grads, exact, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_an_output_of_fresh_pages(library, call):
    """From 32 MiB on the output asks for huge pages; odd sizes, nothing beyond it touched, the bits of small pieces."""
    x = references.samples(5)[: 1 << 20]
    many = np.tile(x, 9)[:-7]
    y = raw("Rsqrt", many).numpy()
    assert np.array_equal(references.bits(y), references.bits(np.tile(call("Rsqrt", x), 9)[:-7]))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(
    "chain",
    [
        "Exp Square Rsqrt",
        "Abs Sqrt Reciprocal",
        "Square Rsqrt Atan",
        "Atan Tanh",
        "Cos Log1p Elu",
        pytest.param("Square Rsqrt " * 40, id="80 parts"),
        pytest.param("Atan Cos " * 40, id="80 parts, half of them stock"),
    ],
)
def test_a_fused_chain_is_its_parts(chain, dtype, library):
    import tensorflow as tf

    x = tf.cast(tf.constant(np.random.default_rng(4).random(10_007, np.float32)), dtype)
    parts, unfused = chain.split(), x
    for op in parts:
        unfused = tf.raw_ops.Elu(features=unfused) if op == "Elu" else raw(op, unfused)
    fused = (
        tf.raw_ops._UnaryOpsComposition(x=x, op_names=parts) if hasattr(tf.raw_ops, "_UnaryOpsComposition") else None
    )
    if fused is None:
        fused = _composition(x, parts)
    assert np.array_equal(fused.numpy().view(np.uint8), unfused.numpy().view(np.uint8))


def _composition(x, parts):
    """Run the internal op itself, as Grappler puts it into a graph."""
    from tensorflow.python.eager import context, execute

    names_ = [p.encode() for p in parts]
    (y,) = execute.execute(
        b"_UnaryOpsComposition", 1, [x], ("T", x.dtype.as_datatype_enum, "op_names", names_), context.context()
    )
    return y

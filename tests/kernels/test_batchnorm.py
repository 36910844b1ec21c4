"""Batch normalization against extended precision: every version, layout and dtype, forward and backward."""

import numpy as np
import pytest

from . import references

SHAPES = [
    (2, 3, 3, 4),
    (5, 1, 1, 1),
    (7, 2, 5, 3),
    (3, 4, 4, 16),
    (2, 9, 7, 20),
    (1, 1, 1, 6),
    (2, 2, 3, 2, 5),
    (70, 30, 20, 3),
]
BITS = references.bits


def data(shape, seed=0):
    generator = np.random.default_rng(seed)
    c = shape[-1]
    x = generator.normal(3, 2, shape).astype(np.float32)
    scale, offset, mean, variance = (generator.random((4, c)) + 0.25).astype(np.float32)
    return x, scale, offset, mean, variance


def forward(version, x, scale, offset, mean, variance, **attributes):
    import tensorflow as tf

    return getattr(tf.raw_ops, "FusedBatchNorm" + version)(
        x=x, scale=scale, offset=offset, mean=mean, variance=variance, epsilon=1e-3, **attributes
    )


def backward(version, dy, x, scale, mean, variance, **attributes):
    import tensorflow as tf

    extra = {"reserve_space_3": tf.constant(0.0)} if version == "V3" else {}
    return getattr(tf.raw_ops, "FusedBatchNormGrad" + version)(
        y_backprop=dy,
        x=x,
        scale=scale,
        reserve_space_1=mean,
        reserve_space_2=variance,
        epsilon=1e-3,
        **extra,
        **attributes,
    )


def expected(x, scale, offset, mean, variance, training, factor=1.0):
    wide = [v.astype(np.longdouble) for v in (x, scale, offset, mean, variance)]
    x, scale, offset, old_mean, old_variance = wide
    axes = tuple(range(x.ndim - 1))
    n = x.size // x.shape[-1]
    mean, variance = (x.mean(axes), x.var(axes)) if training else (old_mean, old_variance)
    y = (x - mean) / np.sqrt(variance + np.longdouble(np.float32(1e-3))) * scale + offset
    if not training:
        return y, old_mean, old_variance
    factor = np.longdouble(np.float32(factor))
    seen = variance * n / max(n - 1, 1)
    return y, (1 - factor) * old_mean + factor * mean, (1 - factor) * old_variance + factor * seen, mean, variance


def close(got, exact, ulp=1.0):
    """Within `ulp` of the float32 spacing at the values' own size; sums that cancel count at their terms' size."""
    exact = np.asarray(exact)
    spacing = np.spacing(np.maximum(np.abs(exact), np.abs(exact).mean() * 1e-2 + 1e-7).astype(np.float32))
    assert np.max(np.abs(got.astype(np.longdouble) - exact) / spacing) <= ulp


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("factor", [1.0, 0.25])
@pytest.mark.parametrize("training", [True, False])
def test_forward(shape, factor, training, library):
    arguments = data(shape)
    got = [t.numpy() for t in forward("V3", *arguments, is_training=training, exponential_avg_factor=factor)]
    for g, e in zip(got, expected(*arguments, training, factor), strict=False):
        close(g, e)
    assert got[5].shape == () and (training or (got[3] == 0).all())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("training", [True, False])
def test_backward(shape, training, library):
    x, scale, _, _, _ = data(shape)
    dy = np.random.default_rng(5).normal(0, 1, shape).astype(np.float32)
    axes = tuple(range(x.ndim - 1))
    mean, variance = x.mean(axes, np.float64).astype(np.float32), x.astype(np.float64).var(axes).astype(np.float32)
    dx, dscale, doffset, *rest = (t.numpy() for t in backward("V3", dy, x, scale, mean, variance, is_training=training))
    assert [r.shape for r in rest] == [(0,), (0,)]
    wx, wdy, wscale, wmean, wvar = (v.astype(np.longdouble) for v in (x, dy, scale, mean, variance))
    inverse = 1 / np.sqrt(wvar + np.longdouble(np.float32(1e-3)))
    centred = wx - wmean
    close(doffset, wdy.sum(axes))
    close(dscale, (wdy * centred).sum(axes) * inverse)
    slope = (wdy * centred).mean(axes) * inverse**2 if training else 0
    close(dx, wscale * inverse * (wdy - (wdy.mean(axes) if training else 0) - centred * slope))


@pytest.mark.parametrize("training", [True, False])
def test_versions_and_layouts_agree(training, library):
    x, *rest = data((3, 4, 5, 7))
    dy = x[::-1].copy()
    base = [t.numpy() for t in forward("V3", x, *rest, is_training=training)][:3]
    for version in ("", "V2"):
        other = [t.numpy() for t in forward(version, x, *rest, is_training=training)]
        assert all(np.array_equal(BITS(a), BITS(b)) for a, b in zip(base, other, strict=False))
    first = [t.numpy() for t in forward("V3", np.moveaxis(x, 3, 1), *rest, is_training=training, data_format="NCHW")]
    assert np.array_equal(BITS(np.moveaxis(first[0], 1, 3)), BITS(base[0]))
    scale, mean, variance = rest[0], rest[2], rest[3]
    grads = [
        [t.numpy() for t in backward(v, dy, x, scale, mean, variance, is_training=training)][:3]
        for v in ("", "V2", "V3")
    ]
    assert all(np.array_equal(BITS(a), BITS(b)) for g in grads[1:] for a, b in zip(grads[0], g, strict=True))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_types_are_float32_rounded_once(dtype, library):
    import tensorflow as tf

    x, *rest = data((3, 4, 5, 7))
    x = tf.cast(x, dtype)
    wide = tf.cast(x, tf.float32)
    for training in (True, False):
        y, yw = forward("V3", x, *rest, is_training=training)[0], forward("V3", wide, *rest, is_training=training)[0]
        assert np.array_equal(y.numpy().view(np.uint16), tf.cast(yw, dtype).numpy().view(np.uint16))
        g = backward("V3", x, x, rest[0], rest[2], rest[3], is_training=training)[0]
        gw = backward("V3", wide, wide, rest[0], rest[2], rest[3], is_training=training)[0]
        assert np.array_equal(g.numpy().view(np.uint16), tf.cast(gw, dtype).numpy().view(np.uint16))


def test_threads_do_not_matter(library):
    x, *rest = data((40, 50, 40, 5))
    results = []
    for threads in (1, 2, 7):
        library.set_threads(threads)
        results.append([t.numpy().tobytes() for t in forward("V3", x, *rest, is_training=True)])
    library.set_threads(2)
    assert results[0] == results[1] == results[2]


def test_fused_with_relu_and_side_input(library):
    import tensorflow as tf
    from tensorflow.python.eager import context, execute

    x, *rest = data((3, 4, 5, 7))
    x = x - 3
    plain = forward("V3", x, *rest, is_training=False)[0].numpy()
    kind = tf.float32.as_datatype_enum
    for sides, activation in ((0, b"Identity"), (0, b"Relu"), (1, b"Relu")):
        inputs = [tf.constant(v) for v in (x, *rest)] + [tf.constant(x)] * sides
        attributes = (
            "T",
            kind,
            "U",
            kind,
            "epsilon",
            1e-3,
            "exponential_avg_factor",
            1.0,
            "num_side_inputs",
            sides,
            "activation_mode",
            activation,
            "data_format",
            b"NHWC",
            "is_training",
            False,
        )
        y = execute.execute(b"_FusedBatchNormEx", 6, inputs, attributes, context.context())[0].numpy()
        want = plain + x if sides else plain
        want = np.maximum(want, 0) if activation == b"Relu" else want
        assert np.array_equal(BITS(y), BITS(want))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones((3, 3, 4), np.float32)}, "input must be 4 or 5-dimensional"),
        ({"scale": np.ones((1, 4), np.float32)}, "scale must be 1-dimensional"),
        ({"offset": np.ones((1, 4), np.float32)}, "offset must be 1-dimensional"),
        (
            {"scale": np.ones(5, np.float32)},
            "scale must have the same number of elements as the channels of x, got 5 and 4",
        ),
        (
            {"mean": np.ones(5, np.float32), "is_training": False},
            "When is_training=false, mean must have the same number",
        ),
        (
            {"variance": np.ones(5, np.float32), "exponential_avg_factor": 0.5},
            "When exponential_avg_factor != 1, variance must have",
        ),
    ],
)
def test_errors_are_the_stock_ones(change, message, library):
    import tensorflow as tf

    arguments = dict(zip(("x", "scale", "offset", "mean", "variance"), data((2, 3, 3, 4)), strict=True))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        forward("V3", **{"is_training": True, **arguments, **change})


def test_empty_input(library):
    arguments = data((2, 3, 3, 4))
    y, mean, variance, *_ = (t.numpy() for t in forward("V3", arguments[0][:0], *arguments[1:], is_training=True))
    assert y.shape == (0, 3, 3, 4) and np.isnan(mean).all() and np.isnan(variance).all()
    dx, dscale, doffset, *_ = (
        t.numpy() for t in backward("V3", arguments[0][:0], arguments[0][:0], *arguments[1:2], *arguments[3:])
    )
    assert dx.shape == (0, 3, 3, 4) and not dscale.any() and not doffset.any()

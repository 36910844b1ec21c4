"""Every elementwise kernel against an independent reference: within its row's bound, exact where the row says 0.5."""

import numpy as np
import pytest

from bitforbit.kernels.table import ROWS

from . import exhaustive, native, references

BOUNDS = {row.op: row.ulp for row in ROWS}


@pytest.mark.parametrize("op", sorted(references.UNARY))
def test_within_the_rows_bound(op, call):
    x = references.samples()
    distance = references.ulps(call(op, x), references.UNARY[op](x))
    worst = np.argmax(distance)
    assert distance[worst] <= BOUNDS[op], f"{op}({x[worst]!r}) is {distance[worst]} ulp off"


@pytest.mark.slow
@pytest.mark.parametrize("function", sorted(exhaustive.FUNCTIONS))
def test_a_thousandth_of_all_inputs(function, tmp_path):
    """The exhaustive program on every 4099th bit pattern; `make sweep` takes them all."""
    program = native.compile_program(tmp_path, "exhaustive.c")
    record = exhaustive.check(program, function, 4099)
    assert record["ok"], record


@pytest.mark.parametrize("op", sorted(references.UNARY))
def test_no_denormal_and_one_nan(op, call):
    y = call(op, references.samples())
    assert np.array_equal(references.bits(y), references.bits(references.flush(y)))
    assert set(references.bits(y)[np.isnan(y)]) <= {0x7FC00000}


def test_atan2_over_the_plane(call):
    generator = np.random.default_rng(11)
    y, x = references.samples(3)[: 1 << 18], references.samples(4)[: 1 << 18]
    y = np.concatenate([y, generator.normal(0, 1, 1 << 16).astype(np.float32), np.repeat(references.specials(), 36)])
    x = np.concatenate([x, generator.normal(0, 1, 1 << 16).astype(np.float32), np.tile(references.specials(), 36)])
    distance = references.ulps(call("Atan2", y, x), np.arctan2(references.wide(y), references.wide(x)))
    assert distance.max() <= BOUNDS["Atan2"], (y[distance.argmax()], x[distance.argmax()])


def test_softmax_exp(call):
    x = -np.abs(references.samples())
    exact = np.exp(np.where(np.isnan(x), np.nan, references.wide(x)))
    assert references.ulps(call("SoftmaxExp", x), exact).max() <= 1.1


def test_reciprocal_is_the_ieee_division(call):
    x = references.samples()
    with np.errstate(all="ignore"):
        expected = references.flush(np.float32(1) / references.flush(x))
    known = ~np.isnan(expected)
    assert np.array_equal(references.bits(call("Reciprocal", x))[known], references.bits(expected)[known])


def quotients_at_every_position(call, x):
    """1/x of float32 `x`, at each of the three positions of the loop's 48 elements, next to others that are ordinary."""
    for position in range(3):
        blocks = np.ones((len(x) // 16, 3, 16), np.float32)
        blocks[:, position] = x.reshape(-1, 16)
        yield call("Reciprocal", blocks.ravel()).reshape(blocks.shape)[:, position].ravel()


def test_reciprocal_of_every_significand(call):
    x = np.arange(0x3F800000, 0x40000000, dtype=np.uint32).view(np.float32)
    for y in quotients_at_every_position(call, x):
        assert np.array_equal(references.bits(y), references.bits(np.float32(1) / x))


def test_reciprocal_of_every_exponent(call):
    significand = np.random.default_rng(5).integers(0, 1 << 23, 1024, np.uint32)
    significand[:4] = 0, 1, 0x7FFFFE, 0x7FFFFF
    x = (np.arange(512, dtype=np.uint32)[:, None] << 23 | significand).view(np.float32)
    x = np.repeat(x.ravel(), 16).reshape(-1, 16)
    x[:, 1:] = 1.5  # an extraordinary number sends only its own block to the other loop
    with np.errstate(all="ignore"):
        expected = references.flush(np.float32(1) / references.flush(x.ravel()))
    expected[np.isnan(expected)] = np.nan
    for y in quotients_at_every_position(call, x.ravel()):
        assert np.array_equal(references.bits(y), references.bits(expected))


def test_signs_of_zero_and_infinity(call):
    x = np.array([0.0, -0.0, np.inf, -np.inf, 1e-40, -1e-40], np.float32)
    assert str(call("Rsqrt", x)) == "[ inf -inf   0.  nan  inf -inf]"
    assert str(call("Reciprocal", x)) == "[ inf -inf   0.  -0.  inf -inf]"
    assert str(call("Erfc", x)) == "[1. 1. 0. 2. 1. 1.]"
    assert str(call("Atan", x)) == "[ 0.        -0.         1.5707964 -1.5707964  0.        -0.       ]"

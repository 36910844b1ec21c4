"""Softmax over the last dimension: accuracy, long and short rows, special values, independence of the batch."""

import numpy as np
import pytest

from bitforbit.kernels.table import ROWS

from . import references

BOUND = next(row.ulp for row in ROWS if row.op == "Softmax")


def run(library, x, isa=None):
    x = np.ascontiguousarray(x, np.float32)
    y = np.empty_like(x)
    isa = isa.encode() if isa else None
    assert library.functions.bfb_softmax(isa, x.ctypes.data, y.ctypes.data, x.shape[0], x.shape[1]) == 0
    return y


@pytest.mark.parametrize("cols", [1, 2, 3, 7, 10, 15, 16, 17, 31, 33, 100, 127, 1000, 4096])
def test_within_the_rows_bound(library, cols):
    x = np.random.default_rng(cols).normal(0, 4, (37, cols)).astype(np.float32)
    assert references.ulps(run(library, x), references.softmax(x)).max() <= BOUND


def test_exp_over_its_whole_range(library):
    """Two columns, one of them 0: the other's output is exp(x) / (1 + exp(x)), down to the flush at 2^-126."""
    x = np.stack([np.zeros(200_000), -np.linspace(0, 120, 200_000)], axis=1).astype(np.float32)
    assert references.ulps(run(library, x), references.softmax(x)).max() <= BOUND


@pytest.mark.parametrize("cols", [3, 10, 16, 33, 100])
def test_a_row_does_not_see_its_neighbours(library, cols):
    x = np.random.default_rng(1).normal(0, 4, (53, cols)).astype(np.float32)
    alone = np.concatenate([run(library, row[None]) for row in x])
    assert np.array_equal(references.bits(run(library, x)), references.bits(alone))


def test_zeros_are_a_tenth(library):
    assert set(references.bits(run(library, np.zeros((8, 10)))).ravel()) == {0x3DCCCCCD}


@pytest.mark.parametrize("cols", [10, 40])
def test_nan_and_infinity_fill_their_row_only(library, cols):
    x = np.zeros((6, cols), np.float32)
    x[1, 3], x[2, 3], x[3], x[4, 3] = np.nan, np.inf, -np.inf, -np.inf
    y = run(library, x)
    nan_rows = np.isnan(y)
    assert nan_rows.all(axis=1).tolist() == [False, True, True, True, False, False]
    assert nan_rows.any(axis=1).tolist() == [False, True, True, True, False, False]
    assert y[4, 3] == 0 and set(references.bits(y)[nan_rows]) == {0x7FC00000}


def test_long_rows_through_tensorflow(library):
    import tensorflow as tf

    x = np.random.default_rng(2).normal(0, 2, (2, 3, 10_001)).astype(np.float32)
    results = []
    for threads in (1, 2, 5):
        library.set_threads(threads)
        results.append(references.bits(tf.nn.softmax(x).numpy()))
    library.set_threads(2)
    assert all(np.array_equal(results[0], r) for r in results)
    assert references.ulps(results[0].view(np.float32), references.softmax(x)).max() <= BOUND

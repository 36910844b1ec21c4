"""Ulp distances, against `math.nextafter` steps and hand-made bit patterns."""

import numpy as np
import pytest

from bitforbit.evidence import ulp


def test_equal_arrays():
    array = np.array([0.0, -0.0, np.nan], dtype="float32")
    assert ulp.compare(array, array.copy()) == (0, 3, 0)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_steps_of_nextafter(dtype):
    start = np.array([1.0, -1.0, 100.0], dtype=dtype)
    moved = start
    for _ in range(5):
        moved = np.nextafter(moved, np.array(np.inf, dtype=dtype))
    moved[2] = start[2]
    assert ulp.compare(start, moved) == (2, 3, 5)


def test_across_zero():
    smallest = np.array([np.finfo("float32").smallest_subnormal], dtype="float32")
    assert ulp.compare(np.array([0.0], "float32"), np.array([-0.0], "float32")).largest_ulp == 1
    assert ulp.compare(smallest, -smallest).largest_ulp == 3


def test_bfloat16():
    import ml_dtypes

    one = np.array([1.0], dtype=ml_dtypes.bfloat16)
    above = (one.view("uint16") + 2).view(ml_dtypes.bfloat16)
    assert ulp.compare(one, above).largest_ulp == 2


def test_integers_by_difference():
    assert ulp.compare(np.array([1, 7]), np.array([1, 4])) == (1, 2, 3)


def test_extremes_do_not_overflow():
    ends = np.array([-np.inf], "float64"), np.array([np.inf], "float64")
    assert ulp.compare(*ends).largest_ulp == 2 * 0x7FF0000000000000 + 1


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"expected equal shapes and dtypes, received float64\(2,\) and float64\(3,\)"):
        ulp.compare(np.zeros(2), np.zeros(3))

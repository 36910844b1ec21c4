"""What a difference of two tensors is called."""

import numpy as np
import pytest

from bitforbit.diagnosis.compare.elements import compare

A = np.array([0.0, 1.0, 2.0, 3.0], "float32")


def bits(values, index, mask):
    values = values.copy()
    values.view(np.uint32)[index] ^= mask
    return values


@pytest.mark.parametrize(
    ("b", "text"),
    [
        (bits(A, 0, 1 << 31), "1 of 4 elements differ, by at most 1 ulp: only the sign of zero"),
        (A[[0, 2, 1, 3]], "2 of 4 elements differ, by at most 8388608 ulp: the same elements in another order"),
        (bits(A, [1, 2], 1), "2 of 4 elements differ, by at most 1 ulp: 2 flipped bits"),
        (bits(A, 3, 1 << 4), "1 of 4 elements differ, by at most 16 ulp: 1 flipped bit"),
        (bits(A, [1, 2, 3], 3), "3 of 4 elements differ, by at most 3 ulp: rounding: another order of the same sums"),
        (np.array([0, np.nan, 2, 3], "float32"), "NaN in one of them"),
    ],
)
def test_a_difference_has_a_name(b, text):
    assert str(compare(A, b)).endswith(text)


def test_equal_arrays_and_other_shapes_have_none():
    assert compare(A, A.copy()) is None
    assert compare(A, A[:3]) is None
    assert compare(A, A.astype("float64")) is None

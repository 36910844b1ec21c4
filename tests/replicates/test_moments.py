"""Means and spreads: against Python's exact rationals, and the same bits in every order."""

import math
import random
import statistics
from fractions import Fraction

import pytest
from scipy import stats

from bitforbit.replicates.statistics import moments

VALUES = [0.9776, 0.9692, 0.9803, 0.9748, 0.9831, 0.9720, 0.9776, 0.9664, 0.9859, 0.9748, 0.9787]
HOSTILE = [1e16, 3.0, -1e16, 1e-9, 0.1, 7e15, -7e15]
EACH = (moments.mean, moments.deviation, moments.standard_error, moments.median, moments.interquartile_mean)


@pytest.mark.parametrize("measure", EACH)
@pytest.mark.parametrize("values", [VALUES, HOSTILE])
def test_the_order_moves_no_bit(measure, values):
    found = {measure(random.Random(seed).sample(values, len(values))) for seed in range(200)}
    assert len(found) == 1


def test_a_mean_is_the_exact_sum_rounded():
    assert moments.mean(HOSTILE) == float(sum(map(Fraction, HOSTILE))) / 7


def test_against_the_standard_library_and_scipy():
    assert moments.deviation(VALUES) == pytest.approx(statistics.stdev(VALUES), rel=1e-13)
    assert moments.standard_error(VALUES) == pytest.approx(stats.sem(VALUES), rel=1e-13)
    assert moments.median(VALUES) == statistics.median(VALUES)
    assert moments.median(VALUES[:10]) == statistics.median(VALUES[:10])
    for n in range(1, len(VALUES) + 1):
        assert moments.interquartile_mean(VALUES[:n]) == pytest.approx(stats.trim_mean(VALUES[:n], 0.25), rel=1e-14)


def test_correlation():
    other = [math.sin(7 * value) + index for index, value in enumerate(VALUES)]
    assert moments.correlation(VALUES, other) == pytest.approx(stats.pearsonr(VALUES, other).statistic, rel=1e-12)
    assert moments.correlation([1.0, 1.0], [2.0, 3.0]) is None
    assert moments.correlation([1.0, 2.0, 3.0], [-2.0, -4.0, -6.0]) == pytest.approx(-1, rel=1e-15)

"""Quantiles: every one that a statistic of up to 200 seeds can need, against arithmetic of 40 digits."""

import mpmath
import pytest

from bitforbit.replicates.statistics import distributions, intervals

mpmath.mp.dps = 40


def student_area(value, freedom):
    """The share below `value`, by the incomplete beta function."""
    x = freedom / (freedom + mpmath.mpf(value) ** 2)
    tail = mpmath.betainc(mpmath.mpf(freedom) / 2, mpmath.mpf(1) / 2, 0, x, regularized=True) / 2
    return tail if value < 0 else 1 - tail


def chi_square_area(value, freedom):
    return mpmath.gammainc(mpmath.mpf(freedom) / 2, 0, mpmath.mpf(value) / 2, regularized=True)


def normal_area(value):
    return mpmath.ncdf(mpmath.mpf(value))


@pytest.mark.parametrize("share", [0.025, 0.975, 0.995])
@pytest.mark.parametrize(
    ("quantile", "area"),
    [(distributions.student, student_area), (distributions.chi_square, chi_square_area)],
)
def test_a_quantile_lies_between_its_neighbours_of_eight_digits(quantile, area, share):
    for freedom in range(1, 200):
        found = mpmath.mpf(quantile(share, freedom))
        step = mpmath.power(10, mpmath.floor(mpmath.log10(abs(found))) - 7) / 2
        assert area(found - step, freedom) <= mpmath.mpf(share) <= area(found + step, freedom), freedom


def test_normal_and_beta():
    for share in (0.001, 0.025, 0.3, 0.975):
        found = mpmath.mpf(distributions.normal(share))
        assert abs(normal_area(found) - mpmath.mpf(share)) < 1e-8
    # A binomial's exact interval at 8 of 10: Clopper and Pearson's chart, as printed in textbooks.
    assert round(distributions.beta(0.025, 8, 3), 4) == 0.4439
    assert round(distributions.beta(0.975, 9, 2), 4) == 0.9748


@pytest.mark.parametrize(("value", "wanted"), [(1 / 3, 0.33333333), (123456789.0, 123456790.0), (0.0, 0.0)])
def test_rounding_is_to_eight_significant_digits(value, wanted):
    assert distributions.rounded(value) == wanted
    assert distributions.rounded(-value) == -wanted


@pytest.mark.parametrize(
    ("effect", "paired", "wanted"),
    # Cohen, Statistical power analysis for the behavioral sciences (1988), two-sided 5 %, power 0.8: d = 0.2, 0.5, 0.8.
    [(0.2, False, 394), (0.5, False, 64), (0.8, False, 26), (0.5, True, 34)],
)
def test_seeds_needed_are_those_of_cohens_tables(effect, paired, wanted):
    assert intervals.seeds_needed(1.0, effect, 0.8, paired) == wanted
    assert intervals.seeds_needed(1.0, effect / 100, 0.8, paired) is None
    assert intervals.seeds_needed(0.25, effect / 4, 0.8, paired) == wanted

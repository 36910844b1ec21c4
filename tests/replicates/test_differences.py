"""Tests of a difference: against SciPy's own, and how often they cry wolf."""

import numpy as np
import pytest
from scipy import stats

from bitforbit.replicates.statistics import differences, superiority

A = [0.977, 0.969, 0.980, 0.975, 0.983, 0.972, 0.978, 0.966, 0.986]
B = [0.975, 0.968, 0.981, 0.971, 0.980, 0.970, 0.979, 0.961, 0.981]


def test_paired_is_scipys():
    found, reference = differences.paired(A, B, "x"), stats.ttest_rel(A, B)
    assert found["p"] == pytest.approx(reference.pvalue, rel=1e-7)
    assert found["interval"] == pytest.approx(list(reference.confidence_interval(0.95)), rel=1e-7)
    free = stats.permutation_test(
        (A, B), lambda x, y, axis: (x - y).mean(axis), permutation_type="samples", n_resamples=10_000
    )
    assert found["p_free"] == free.pvalue


def test_welch_is_scipys():
    found, reference = differences.independent(A, B[:6]), stats.ttest_ind(A, B[:6], equal_var=False)
    assert found["p"] == pytest.approx(reference.pvalue, rel=1e-7)
    assert found["interval"] == pytest.approx(list(reference.confidence_interval(0.95)), rel=1e-6)
    exact = stats.permutation_test(
        (A, B[:6]), lambda x, y, axis: stats.mannwhitneyu(x, y, axis=axis).statistic, n_resamples=10_000
    )
    assert found["p_free"] == pytest.approx(exact.pvalue, abs=0.02)


def test_flips_by_sample_are_near_the_exact_ones():
    """From 21 pairs on a sample of 9,999 patterns stands for all 2^n: here for a sum whose tail is the binomial's."""
    gaps = [1.0] * 16 + [-1.0] * 8
    assert differences.sign_flips(gaps, "x") == pytest.approx(stats.binomtest(16, 24).pvalue, abs=0.01)
    assert differences.sign_flips(gaps, "x") == differences.sign_flips(gaps, "x")
    assert differences.sign_flips([1.0] * 70, "x") == 1 / 10_000


def test_no_spread():
    assert differences.paired([1.0] * 6, [1.0] * 6, "x")["p"] == 1
    assert differences.paired([1.5] * 6, [1.0] * 6, "x")["p"] == 2 / 2**6
    assert differences.independent([1.0] * 6, [1.0] * 6)["p"] == 1
    assert differences.independent([2.0] * 6, [1.0] * 6)["p"] < 0.01


@pytest.mark.parametrize("n", [5, 10, 30])
def test_false_alarms(n):
    """Equal configurations, correlated by seed: the paired tests find a difference in 5 of 100, the verdict in fewer."""
    generator = np.random.Generator(np.random.PCG64(n))
    alarms, sets = {"p": 0, "p_free": 0, "verdict": 0}, 600
    for number in range(sets):
        shared = generator.normal(0, 1, n)
        a, b = ((shared + 0.5 * generator.normal(0, 1, n)).tolist() for _ in range(2))
        found = differences.paired(a, b, f"alarms/{number}")
        for key in ("p", "p_free"):
            alarms[key] += found[key] <= 0.05
        alarms["verdict"] += superiority.verdict(superiority.paired(a, b)[1]) != superiority.UNDECIDED
    assert 0.03 <= alarms["p"] / sets <= 0.07
    # With 5 pairs there are 32 patterns: the smallest p is 1 / 16, so none may be found.
    assert (alarms["p_free"] == alarms["verdict"] == 0) if n == 5 else (0.03 <= alarms["p_free"] / sets <= 0.07)
    assert alarms["verdict"] / sets <= 0.06


def test_holm_by_hand():
    assert differences.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06], rel=1e-15)
    assert differences.holm([0.5, 0.9]) == [1, 1]
    assert differences.holm([]) == []

"""P(A > B): its intervals against SciPy and by simulation, and the three verdicts."""

import numpy as np
import pytest
from scipy import stats

from bitforbit.replicates.statistics import superiority


@pytest.mark.parametrize("n", [5, 10, 30])
def test_paired_is_the_exact_binomial_interval(n):
    for won in range(n + 1):
        a, b = [1.0] * won + [0.0] * (n - won), [0.5] * n
        share, interval = superiority.paired(a, b)
        reference = stats.binomtest(won, n).proportion_ci(0.95, "exact")
        assert share == won / n
        assert interval == pytest.approx([reference.low, reference.high], rel=1e-7)


def test_independent_is_mann_whitneys_u():
    a, b = [3.0, 1.0, 4.0, 1.5, 9.0], [2.0, 6.0, 5.0, 3.0, 5.0, 8.0]
    estimate, (low, high) = superiority.independent(a, b)
    assert estimate == stats.mannwhitneyu(a, b).statistic / 30
    assert low < estimate < high
    other, (other_low, other_high) = superiority.independent(b, a)
    assert (other, other_low, other_high) == pytest.approx((1 - estimate, 1 - high, 1 - low), abs=1e-12)


@pytest.mark.parametrize(("m", "n", "estimate"), [(5, 5, 0.6), (8, 20, 0.75), (30, 30, 0.56), (12, 7, 0.75)])
def test_newcombes_interval_ends_at_the_roots_of_its_quartic(m, n, estimate):
    """|estimate - p| = z s(p), squared and freed of fractions, is of degree 4: solved here by eigenvalues.

    R's auRoc (`auc.nonpara.mw`, method newcombe) solves the same equation by the same polynomial.
    """
    from numpy.polynomial import Polynomial

    p, z, half = Polynomial([0, 1]), stats.norm.isf(0.025), (m + n) / 2 - 1
    left = m * n * (estimate - p) ** 2 * (2 - p) * (1 + p)
    right = z * z * p * (1 - p) * ((2 - p) * (1 + p) + half * ((1 - p) * (1 + p) + p * (2 - p)))
    roots = sorted(root.real for root in (left - right).roots() if abs(root.imag) < 1e-9 and 0 < root.real < 1)
    a, b = with_share(m, n, round(estimate * m * n))
    found, interval = superiority.independent(a, b)
    assert found == estimate
    assert interval == pytest.approx(roots, rel=1e-6)


def with_share(m, n, wins):
    """Two lists of m and n numbers in which the first wins `wins` of the m n pairs."""
    a, b = [], [float(place) for place in range(n)]
    for left in range(m, 0, -1):
        won = min(n, -(-wins // left))
        a.append(won - 0.5)
        wins -= won
    assert wins == 0
    return a, b


@pytest.mark.parametrize("ways", [superiority.paired, superiority.independent])
def test_ties_count_half_and_nothing_leaves_0_to_1(ways):
    assert ways([1.0] * 6, [1.0] * 6)[0] == 0.5
    for a, b in (([2.0] * 6, [1.0] * 6), ([1.0] * 6, [2.0] * 6)):
        share, (low, high) = ways(a, b)
        assert share in (0, 1)
        assert 0 <= low <= share <= high <= 1
        assert high - low > 0.3


@pytest.mark.parametrize("n", [5, 10, 30])
@pytest.mark.parametrize("shift", [0.0, 0.95, 2.0])
def test_the_interval_holds_the_truth(n, shift):
    """At P = 0.5, 0.75 and 0.92; the exact one may hold it more often than 95 of 100 times, never less."""
    truth = stats.norm.cdf(shift / 2**0.5)
    generator = np.random.Generator(np.random.PCG64(int(100 * shift) + n))
    held = {superiority.paired: 0, superiority.independent: 0}
    for _ in range(600):
        a, b = generator.normal(shift, 1, n), generator.normal(0, 1, n)
        for ways in held:
            low, high = ways(a.tolist(), b.tolist())[1]
            held[ways] += low <= truth <= high
    assert held[superiority.paired] >= 0.93 * 600
    assert 0.92 * 600 <= held[superiority.independent] <= 0.99 * 600


@pytest.mark.parametrize(
    ("interval", "wanted"),
    [
        ([0.4, 0.9], "not significant"),
        ([0.5, 0.9], "not significant"),
        ([0.51, 0.75], "significant, not meaningful"),
        ([0.51, 0.76], "significant and meaningful"),
        ([0.1, 0.49], "significant and meaningful"),
        ([0.26, 0.49], "significant, not meaningful"),
    ],
)
def test_three_verdicts(interval, wanted):
    assert superiority.verdict(interval) == wanted

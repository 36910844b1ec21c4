"""Repeated looks: published bounds, and the share of false alarms over all looks."""

import numpy as np
import pytest
from scipy import stats

from bitforbit.errors import UsageError
from bitforbit.replicates.statistics import sequential


def test_bounds_are_the_published_ones():
    """Five equal looks at 5 %, two-sided: as R's ldbounds 2.0.2 prints them in its vignette (`ldBounds(t=...)`, CRAN).

    That package is the program of Reboussin et al., Controlled Clinical Trials 21 (2000).
    """
    bounds = [stats.norm.isf(level / 2) for level in sequential.levels([1, 2, 3, 4, 5])]
    assert bounds == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-4)


def test_one_look_has_the_whole_level():
    assert sequential.levels([30]) == [pytest.approx(0.05, rel=1e-6)]


@pytest.mark.parametrize("looks", [[10, 20, 30, 50], [5, 30]])
def test_false_alarms_over_all_looks(looks):
    generator = np.random.Generator(np.random.PCG64(7))
    gaps = generator.normal(0, 1, (20_000, looks[-1]))
    alarm, naive = np.zeros(len(gaps), bool), np.zeros(len(gaps), bool)
    for look, level in zip(looks, sequential.levels(looks), strict=True):
        p = stats.ttest_1samp(gaps[:, :look], 0, axis=1).pvalue
        alarm |= p <= level
        naive |= p <= 0.05
    assert 0.04 <= alarm.mean() <= 0.06
    assert naive.mean() > 0.075


@pytest.mark.parametrize("text", ["", "10,x", "20,10", "3,10", "10,10", "-5"])
def test_looks_that_are_none(text):
    with pytest.raises(UsageError, match="expected looks that ascend from at least 5, as 10,20,30,50, received"):
        sequential.parse(text)
    assert sequential.parse("10, 20") == [10, 20]

"""Intervals hold what they promise: counted over simulated sets of runs."""

import numpy as np
import pytest
from scipy import stats

from bitforbit.errors import UsageError
from bitforbit.replicates.statistics import bootstrap, intervals

SETS = 4000


def coverage(interval, truth, n):
    """The share of simulated normal sets (mean 3, SD 2) whose interval holds the truth."""
    generator = np.random.Generator(np.random.PCG64(n))
    held = 0
    for _ in range(SETS):
        *values, following = generator.normal(3, 2, n + 1)
        low, high = interval(values)
        held += low <= (following if truth is None else truth) <= high
    return held / SETS


@pytest.mark.parametrize("n", [5, 10, 30])
@pytest.mark.parametrize(
    ("interval", "truth"), [(intervals.of_mean, 3), (intervals.of_deviation, 2), (intervals.of_next, None)]
)
def test_an_interval_holds_the_truth_in_95_of_100_sets(interval, truth, n):
    assert 0.93 <= coverage(interval, truth, n) <= 0.97


def test_the_simulation_can_fail():
    """An interval that takes the normal quantile for Student's is caught."""

    def naive(values):
        half = 1.96 * np.std(values, ddof=1) / len(values) ** 0.5
        return np.mean(values) - half, np.mean(values) + half

    assert coverage(naive, 3, 5) < 0.92


def test_of_mean_is_scipys():
    values = [0.3, 0.1, 0.4, 0.1, 0.5, 0.9]
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert intervals.of_mean(values) == pytest.approx([theirs.low, theirs.high], rel=1e-7)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (bootstrap.median, np.median),
        (bootstrap.interquartile_mean, lambda x, axis: stats.trim_mean(x, 0.25, axis=axis)),
    ],
)
def test_bca_is_scipys_but_for_the_draw(ours, theirs):
    values = np.random.Generator(np.random.PCG64(3)).lognormal(0, 1, 40)
    reference = stats.bootstrap(
        (values,), theirs, method="BCa", n_resamples=50_000, rng=np.random.Generator(np.random.PCG64(4))
    ).confidence_interval
    found = bootstrap.interval(list(values), ours, "test")
    assert found == pytest.approx([reference.low, reference.high], abs=0.1 * values.std() / 40**0.5)


def test_bca_of_a_median_holds_at_20():
    generator = np.random.Generator(np.random.PCG64(5))
    held = 0
    for number in range(400):
        low, high = bootstrap.interval(list(generator.normal(0, 1, 20)), bootstrap.median, f"coverage/{number}")
        held += low <= 0 <= high
    assert 0.92 <= held / 400 <= 0.98


def test_bca_is_not_given_where_it_cannot_be_trusted():
    assert bootstrap.interval([float(i) for i in range(19)], bootstrap.median, "few") is None
    assert bootstrap.interval([0.5] * 30, bootstrap.median, "constant") is None


def test_the_draw_depends_on_the_label_alone():
    np.random.seed(1)
    before = np.random.get_state()[1].tobytes()
    one, two, other = (bootstrap.indices(label, 50, 30) for label in ("a", "a", "b"))
    assert (one == two).all()
    assert (one != other).any()
    assert (one.min(), one.max()) == (0, 29)
    assert np.random.get_state()[1].tobytes() == before


def test_no_difference_no_number_of_seeds():
    with pytest.raises(UsageError, match="expected a difference above 0, received 0"):
        intervals.seeds_needed(1.0, 0.0, 0.8)

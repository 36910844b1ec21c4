"""What a sample of seeds says about the mean, the spread and the next run, under a normal model.

Student's interval for the mean keeps its 95 % at every N, also with some bad runs among the seeds; bootstrap intervals
of the mean do not below 30 (docs/statistics.md, measured).
"""

import math
from collections.abc import Sequence

from bitforbit.errors import UsageError
from bitforbit.replicates.statistics import distributions, moments

CONFIDENCE = 0.95
MOST = 10_000


def of_mean(values: Sequence[float], confidence: float = CONFIDENCE) -> list[float]:
    """Return Student's interval of the mean of at least two numbers, `[low, high]`."""
    centre = moments.mean(values)
    half = distributions.student((1 + confidence) / 2, len(values) - 1) * moments.standard_error(values)
    return [centre - half, centre + half]


def of_next(values: Sequence[float], confidence: float = CONFIDENCE) -> list[float]:
    """Return the interval that one more run falls into: mean ± t s sqrt(1 + 1/n) (Hahn and Meeker, 1991)."""
    n, centre = len(values), moments.mean(values)
    half = distributions.student((1 + confidence) / 2, n - 1) * moments.deviation(values) * math.sqrt(1 + 1 / n)
    return [centre - half, centre + half]


def of_deviation(values: Sequence[float], confidence: float = CONFIDENCE) -> list[float]:
    """Return the chi-square interval of the standard deviation, `[low, high]`."""
    s, freedom = moments.deviation(values), len(values) - 1
    ends = (distributions.chi_square(share, freedom) for share in ((1 + confidence) / 2, (1 - confidence) / 2))
    return [s * math.sqrt(freedom / end) for end in ends]


def seeds_needed(
    deviation: float, difference: float, power: float, paired: bool = False, level: float = 0.05
) -> int | None:
    """Return how many seeds each configuration needs for a two-sided t test to see `difference` with chance `power`.

    Args:
        deviation: of one configuration's runs; of the differences by seed, where `paired`.
        difference: between the means, above 0, in the metric's unit.
        power: chance of seeing it, as 0.8.
        paired: the same seeds in both.
        level: of the test.

    Returns:
        `None` where more than 10,000 would be needed.

    Raises:
        UsageError: it is not above 0.
    """
    if not difference > 0:
        raise UsageError(f"expected a difference above 0, received {difference:g}")

    def enough(n: int) -> bool:
        effect = difference / deviation
        if paired:
            return distributions.power(effect * math.sqrt(n), n - 1, level) >= power
        return distributions.power(effect * math.sqrt(n / 2), 2 * n - 2, level) >= power

    if deviation == 0 or enough(2):
        return 2
    low, high = 2, 4
    while not enough(high):
        if high >= MOST:
            return None
        low, high = high, min(2 * high, MOST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high

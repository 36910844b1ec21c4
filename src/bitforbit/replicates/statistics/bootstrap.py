"""BCa bootstrap intervals of order statistics, the same on every host.

Resamples are raw 64-bit outputs of Philox turned into indices by integer arithmetic; each statistic is a fixed chain of
IEEE operations. Method: Efron, "Better bootstrap confidence intervals", JASA 82 (1987).
"""

import math
from collections.abc import Sequence

import numpy as np

from bitforbit.replicates.statistics import distributions, moments
from bitforbit.training import seeds

RESAMPLES = 9_999
# Below this, the interval holds the truth too seldom (docs/statistics.md).
FEWEST = 20


def generator(label: str) -> np.random.Philox:
    """Return the stream named `label`; no other use of randomness moves it."""
    return np.random.Philox(key=seeds.stream(0, f"statistics/{label}", bits=128))


def indices(label: str, rows: int, size: int) -> np.ndarray:
    """Return indices below `size`, an int64 array of shape `(rows, size)`; bias below size / 2^32."""
    raw = generator(label).random_raw(rows * size).reshape(rows, size)
    return ((raw >> np.uint64(32)) * np.uint64(size) >> np.uint64(32)).astype(np.int64)


def median(ordered: np.ndarray) -> np.ndarray:
    """Return the median of each row of an array of shape `(rows, n)` whose rows ascend."""
    n = ordered.shape[1]
    return ordered[:, n // 2] if n % 2 else (ordered[:, n // 2 - 1] + ordered[:, n // 2]) / 2


def interquartile_mean(ordered: np.ndarray) -> np.ndarray:
    """Return the interquartile mean of each row; columns are added one by one, so in one order on every CPU."""
    n = ordered.shape[1]
    total = np.zeros(len(ordered))
    for column in range(n // 4, n - n // 4):
        total += ordered[:, column]
    return total / (n - 2 * (n // 4))


def interval(values: Sequence[float], statistic, label: str, confidence: float = 0.95) -> list[float] | None:
    """Return the BCa interval `[low, high]` of `median` or `interquartile_mean`.

    Args:
        values: at least 20 numbers.
        statistic: maps an array of shape `(rows, n)` with ascending rows to one of shape `(rows,)`.
        label: names the random stream.
        confidence: of the interval.

    Returns:
        `None` where there are too few numbers, or all resamples agree, so that there is nothing to learn from them.
    """
    n = len(values)
    if n < FEWEST:
        return None
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    drawn = np.sort(statistic(np.sort(ordered[indices(label, RESAMPLES, n)], axis=1)))
    found = float(statistic(ordered[None])[0])
    below = (np.count_nonzero(drawn < found) + np.count_nonzero(drawn <= found)) / 2
    if not 0 < below < RESAMPLES or drawn[0] == drawn[-1]:
        return None
    bias = distributions.normal(below / RESAMPLES)
    skew = _acceleration([float(statistic(np.delete(ordered, row)[None])[0]) for row in range(n)])
    return [_quantile(drawn, _level(bias, skew, share)) for share in ((1 - confidence) / 2, (1 + confidence) / 2)]


def _acceleration(left_out: list[float]) -> float:
    centre = moments.mean(left_out)
    squares = math.fsum((centre - value) * (centre - value) for value in left_out)
    cubes = math.fsum((centre - value) * (centre - value) * (centre - value) for value in left_out)
    return cubes / (6 * squares * math.sqrt(squares)) if squares else 0.0


def _level(bias: float, skew: float, share: float) -> float:
    moved = bias + distributions.normal(share)
    return distributions.normal_area(bias + moved / (1 - skew * moved))


def _quantile(ordered: np.ndarray, share: float) -> float:
    place = min(max(share * (len(ordered) - 1), 0.0), float(len(ordered) - 1))
    lower = int(place)
    upper = min(lower + 1, len(ordered) - 1)
    return float(ordered[lower] + (place - lower) * (ordered[upper] - ordered[lower]))

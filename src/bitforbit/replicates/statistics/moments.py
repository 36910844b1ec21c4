"""Mean, spread and robust centres of a list of numbers, free of the order they come in.

`math.fsum` gives the sum rounded once, so neither the order of the seeds nor a vector unit can move a bit; all else is
one IEEE operation after another.
"""

import math
from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean of at least one number."""
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float:
    """Return the sample standard deviation (divisor n - 1) of at least two numbers."""
    centre = mean(values)
    return math.sqrt(math.fsum((value - centre) * (value - centre) for value in values) / (len(values) - 1))


def standard_error(values: Sequence[float]) -> float:
    """Return s / sqrt(n) of at least two numbers."""
    return deviation(values) / math.sqrt(len(values))


def median(values: Sequence[float]) -> float:
    """Return the middle one, or the mean of the two middle ones."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def interquartile_mean(values: Sequence[float]) -> float:
    """Return the mean of what is left when floor(n / 4) are cut from each end (Agarwal et al., NeurIPS 2021)."""
    cut = len(values) // 4
    return mean(sorted(values)[cut : len(values) - cut])


def correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Return Pearson's r of two lists of the same length, or `None` where one of them does not vary."""
    centre_a, centre_b = mean(a), mean(b)
    squares_a = math.fsum((x - centre_a) * (x - centre_a) for x in a)
    squares_b = math.fsum((y - centre_b) * (y - centre_b) for y in b)
    if squares_a == 0 or squares_b == 0:
        return None
    products = math.fsum((x - centre_a) * (y - centre_b) for x, y in zip(a, b, strict=True))
    return max(-1.0, min(1.0, products / math.sqrt(squares_a) / math.sqrt(squares_b)))

"""The probability that a run of A is better than a run of B, with an interval and one of three verdicts.

Verdicts as in Bouthillier et al., "Accounting for variance in machine learning benchmarks", MLSys 2021, section 4 and
appendix C: a difference counts as meaningful where A may well win three of four times, not where it is tiny and sure.
These intervals hold at every N from 5; a bootstrap's do not where one side nearly always wins (docs/statistics.md).
"""

import math
from collections.abc import Sequence

from bitforbit.replicates.statistics import distributions

MEANINGFUL = 0.75
UNDECIDED, SIGNIFICANT, MEANT = "not significant", "significant, not meaningful", "significant and meaningful"


def paired(a: Sequence[float], b: Sequence[float], confidence: float = 0.95) -> tuple[float, list[float]]:
    """Return P(a > b for the same seed) and its interval `[low, high]`; ties count half.

    The pairs that A wins are binomial, so the interval is the exact one (Clopper and Pearson, Biometrika 26, 1934).
    """
    n = len(a)
    won = sum((x > y) + (x == y) / 2 for x, y in zip(a, b, strict=True))
    tail = (1 - confidence) / 2
    low = distributions.beta(tail, won, n - won + 1) if won > 0 else 0.0
    high = distributions.beta(1 - tail, won + 1, n - won) if won < n else 1.0
    return won / n, [low, high]


def independent(a: Sequence[float], b: Sequence[float], confidence: float = 0.95) -> tuple[float, list[float]]:
    """Return P(a > b for any two seeds) and its interval `[low, high]`; ties count half.

    The estimate is Mann and Whitney's U / (m n), the interval method 5 of Newcombe, Statistics in Medicine 25 (2006),
    part 2 (pages 559 to 573): the values p for which |estimate - p| is at most z times the standard error that p itself
    implies, both sample sizes in it taken as (m + n) / 2. Held against R's auRoc, which cites the same.
    """
    m, n = len(a), len(b)
    estimate = sum((x > y) + (x == y) / 2 for x in a for y in b) / (m * n)
    z = distributions.normal((1 + confidence) / 2)
    half = (m + n) / 2 - 1

    def holds(p: float) -> bool:
        variance = p * (1 - p) * (1 + half * ((1 - p) / (2 - p) + p / (1 + p))) / (m * n)
        return abs(estimate - p) <= z * math.sqrt(variance)

    return estimate, [_edge(holds, estimate, 0.0), _edge(holds, estimate, 1.0)]


def _edge(holds, inside: float, outside: float) -> float:
    """Return the border between `inside`, which holds, and `outside`, by halving; 60 steps reach the last bit."""
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return inside


def verdict(interval: Sequence[float]) -> str:
    """Return one of the three verdicts on an interval of P(A > B); it is the same read from B's side."""
    low, high = interval
    if low <= 0.5 <= high:
        return UNDECIDED
    return MEANT if max(high, 1 - low) > MEANINGFUL else SIGNIFICANT

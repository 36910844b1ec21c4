"""Looking at the seeds before they are all there, without finding differences that are not: alpha spending.

Spending function: Lan and DeMets' of O'Brien and Fleming's type, two-sided: by the share t of the seeds, the chance of
a false alarm spent so far is 4 (1 - Phi(z / sqrt(t))), z the normal quantile at 1 - level / 4 (Biometrika 70, 1983).
Almost nothing is spent early, so the last look costs little. Bounds by numerical integration as in Armitage, McPherson
and Rowe, JRSS A 132 (1969), for a normal statistic; a look then uses its bound as the level of its own test (Jennison
and Turnbull, Group sequential methods, 2000, chapter 3).
"""

import itertools
import math

import numpy as np

from bitforbit.errors import UsageError
from bitforbit.replicates.statistics import distributions

PLAN = (10, 20, 30, 50)
_POINTS = 401


def parse(text: str) -> list[int]:
    """Return the looks that `text` names, as `10,20,30,50`.

    Raises:
        UsageError: they are not ascending whole numbers from 5.
    """
    parts = text.split(",")
    looks = [int(part) for part in parts if part.strip().isdecimal()]
    if len(looks) != len(parts) or looks[0] < 5 or any(one >= two for one, two in itertools.pairwise(looks)):
        raise UsageError(f"expected looks that ascend from at least 5, as 10,20,30,50, received {text!r}")
    return looks


def spent(share: float, level: float) -> float:
    """Return the chance of a false alarm that may be spent once this share of the seeds is there."""
    from scipy import special

    return 4 * float(special.ndtr(-special.ndtri(1 - level / 4) / math.sqrt(share)))


def levels(looks: list[int], level: float = 0.05) -> list[float]:
    """Return the level at which each look may reject, so that all looks together stay within `level`."""
    shares = [look / looks[-1] for look in looks]
    points, weights = np.array([0.0]), np.array([1.0])
    found, before, last = [], 0.0, 0.0
    for share in shares:
        allowed = spent(share, level) - before
        before = spent(share, level)
        step = math.sqrt(share - last)
        bound = _bound(points, weights, step, allowed)
        found.append(distributions.rounded(_tails(bound / math.sqrt(share))))
        grid = np.linspace(-bound, bound, _POINTS)
        density = np.array([math.fsum(weights * _normal((end - points) / step)) / step for end in grid])
        points, weights, last = grid, density * _simpson(2 * bound), share
    return found


def _bound(points: np.ndarray, weights: np.ndarray, step: float, allowed: float) -> float:
    """Return the value that a walk from `points` exceeds in size, one step on, with chance `allowed`."""
    from scipy import special

    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        beyond = special.ndtr((points - middle) / step) + special.ndtr((-points - middle) / step)
        low, high = (middle, high) if math.fsum(weights * beyond) > allowed else (low, middle)
    return high


def _tails(value: float) -> float:
    from scipy import special

    return 2 * float(special.ndtr(-value))


def _normal(values: np.ndarray) -> np.ndarray:
    return np.exp(-values * values / 2) / math.sqrt(2 * math.pi)


def _simpson(width: float) -> np.ndarray:
    factors = np.ones(_POINTS)
    factors[1:-1:2], factors[2:-1:2] = 4, 2
    return factors * (width / (_POINTS - 1) / 3)

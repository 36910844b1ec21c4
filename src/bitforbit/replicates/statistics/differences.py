"""Tests and intervals for the difference of two configurations: by pairs of seeds, or of independent seeds."""

import math
from collections.abc import Sequence

import numpy as np

from bitforbit.replicates.statistics import bootstrap, distributions, moments

# Up to here all 2^n sign patterns are counted; beyond, a fixed random sample of them.
MOST_EXACT = 20
FLIPS = 9_999
# Sums that are equal but for their rounding count as equal.
TIE = 1e-12


def paired(a: Sequence[float], b: Sequence[float], label: str, confidence: float = 0.95) -> dict:
    """Return what the differences a - b by seed say.

    Args:
        a, b: values of the same seeds in the same order, at least two.
        label: names the random stream of the sign flips.
        confidence: of the interval.

    Returns:
        `difference` (mean), `interval` (Student's), `p` (paired t), `p_free` (sign flips: needs no normality), and
        `correlation` between the two lists.
    """
    gaps = [x - y for x, y in zip(a, b, strict=True)]
    centre, error = moments.mean(gaps), moments.standard_error(gaps)
    half = distributions.student((1 + confidence) / 2, len(gaps) - 1) * error
    free = sign_flips(gaps, label)
    return {
        "difference": centre,
        "interval": [centre - half, centre + half],
        # Where all differences are equal there is no spread to measure them by.
        "p": distributions.student_p(centre / error, len(gaps) - 1) if error else free,
        "p_free": free,
        "deviation_of_differences": moments.deviation(gaps),
        "correlation": moments.correlation(a, b),
    }


def independent(a: Sequence[float], b: Sequence[float], confidence: float = 0.95) -> dict:
    """Return what two lists of unrelated seeds say: as `paired`, by Welch's t test and Mann and Whitney's U test.

    Welch, Biometrika 34 (1947), with Satterthwaite's degrees of freedom.
    """
    centre = moments.mean(a) - moments.mean(b)
    parts = [moments.standard_error(values) for values in (a, b)]
    error = math.sqrt(parts[0] * parts[0] + parts[1] * parts[1])
    free = mann_whitney(a, b)
    if not error:
        return {"difference": centre, "interval": [centre, centre], "p": free, "p_free": free}
    shares = [part / error * (part / error) for part in parts]
    freedom = 1 / (shares[0] * shares[0] / (len(a) - 1) + shares[1] * shares[1] / (len(b) - 1))
    half = distributions.student((1 + confidence) / 2, freedom) * error
    p = distributions.student_p(centre / error, freedom)
    return {"difference": centre, "interval": [centre - half, centre + half], "p": p, "p_free": free}


def sign_flips(gaps: Sequence[float], label: str) -> float:
    """Return the two-sided p-value of the permutation test that flips signs of differences.

    Exact up to 20 differences; beyond, (1 + hits) / (1 + flips) over a fixed sample (Phipson and Smyth, 2010).
    """
    n, seen = len(gaps), abs(math.fsum(gaps)) - TIE * math.fsum(map(abs, gaps))
    if n <= MOST_EXACT:
        sums = np.zeros(1)
        for gap in gaps:
            sums = np.concatenate([sums + gap, sums - gap])
        return int(np.count_nonzero(np.abs(sums) >= seen)) / 2**n
    sums = np.zeros(FLIPS)
    words = bootstrap.generator(f"flips/{label}").random_raw(FLIPS * -(-n // 64)).reshape(-1, FLIPS)
    for index, gap in enumerate(gaps):
        up = words[index // 64] >> np.uint64(index % 64) & np.uint64(1)
        sums += np.where(up == 1, gap, -gap)
    return (1 + int(np.count_nonzero(np.abs(sums) >= seen))) / (1 + FLIPS)


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the two-sided p-value of Mann and Whitney's test, by SciPy: exact where small and without ties."""
    from scipy import stats

    if min(a) == max(a) == min(b) == max(b):
        return 1.0
    return distributions.rounded(stats.mannwhitneyu(a, b, alternative="two-sided").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for being several (Holm, Scandinavian Journal of Statistics 6, 1979), in their order."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted

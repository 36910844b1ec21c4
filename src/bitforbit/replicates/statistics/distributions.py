"""Quantiles and tail areas from SciPy, rounded so that they are the same on every host.

SciPy's special functions call the C library, whose last bits differ between versions of it. Here each result is
rounded to eight significant digits before anything is computed from it. Two hosts then disagree only where the true
value lies within their error (about 1e-14) of a rounding boundary: once in a million values. No conclusion needs the
ninth digit.
"""

DIGITS = 8


def rounded(value: float) -> float:
    """Return the number of eight significant decimal digits that is nearest to `value`."""
    return float(f"{value:.{DIGITS - 1}e}")


def student(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t with `freedom` > 0 degrees of freedom."""
    from scipy import special

    return rounded(special.stdtrit(freedom, probability))


def student_p(statistic: float, freedom: float) -> float:
    """Return the two-sided p-value of a t statistic."""
    from scipy import special

    return rounded(2 * special.stdtr(freedom, -abs(statistic)))


def normal(probability: float) -> float:
    """Return the quantile of the standard normal distribution."""
    from scipy import special

    return rounded(special.ndtri(probability))


def normal_area(value: float) -> float:
    """Return the share of the standard normal distribution below `value`."""
    from scipy import special

    return rounded(special.ndtr(value))


def chi_square(probability: float, freedom: float) -> float:
    """Return the quantile of the chi-square distribution."""
    from scipy import special

    return rounded(2 * special.gammaincinv(freedom / 2, probability))


def beta(probability: float, a: float, b: float) -> float:
    """Return the quantile of the beta distribution."""
    from scipy import special

    return rounded(special.betaincinv(a, b, probability))


def power(noncentrality: float, freedom: float, level: float) -> float:
    """Return the chance that a two-sided t test at `level` rejects under this noncentrality."""
    from scipy import special

    critical = student(1 - level / 2, freedom)
    beyond = 1 - special.nctdtr(freedom, noncentrality, critical)
    return rounded(beyond + special.nctdtr(freedom, noncentrality, -critical))

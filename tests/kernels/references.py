"""Independent references in NumPy's extended precision or the C library's double functions, and distances in ulp.

Nothing here shares code or coefficients with the kernels.  Inputs and results below the normal range count as zeros of
their sign, which is what the kernels define (flush-to-zero, denormals-are-zero).
"""

import math
import statistics

import numpy as np

TINY = np.float32(2.0**-126)


def flush(x):
    """Array with denormals replaced by zeros of their sign."""
    x = np.asarray(x, np.float32)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(x) < TINY, np.copysign(np.float32(0), x), x)


def wide(x):
    """float32 array, denormals flushed, as extended precision."""
    with np.errstate(invalid="ignore"):  # signalling NaN
        return flush(x).astype(np.longdouble)


def bits(x):
    """Bit patterns of a float32 array."""
    return np.ascontiguousarray(x, np.float32).view(np.uint32)


def ulps(got, exact):
    """Distance of each float32 of `got` from `exact` (extended precision) in ulp of the exact value's binade.

    Results that the kernels flush, infinities and NaN must agree in kind and count as 0, else as infinity.
    """
    got, exact = np.asarray(got, np.float32), np.asarray(exact, np.longdouble)
    largest = np.longdouble(np.finfo(np.float32).max)
    with np.errstate(all="ignore"):
        magnitude = np.abs(exact)
        ordinary = np.isfinite(exact) & (magnitude >= np.longdouble(TINY)) & (magnitude <= largest)
        unit = np.exp2(np.floor(np.log2(np.where(ordinary, magnitude, 1))) - 23)
        distance = np.abs(got.astype(np.longdouble) - exact) / unit
        same_kind = np.where(
            np.isnan(exact),
            np.isnan(got),
            np.where(
                magnitude < np.longdouble(TINY), np.abs(got) <= TINY, np.isinf(got) & (np.sign(got) == np.sign(exact))
            ),
        )
    return np.where(ordinary, distance, np.where(same_kind, 0, np.inf)).astype(np.float64)


_erfc = np.frompyfunc(math.erfc, 1, 1)


def erfc(x):
    """The C library's double erfc; float32 cannot see its error."""
    with np.errstate(invalid="ignore"):
        return _erfc(wide(x).astype(np.float64)).astype(np.longdouble)


def rsqrt(x):
    with np.errstate(all="ignore"):
        x = wide(x)
        return np.where(x == 0, np.copysign(np.longdouble(np.inf), x), 1 / np.sqrt(x))


def reciprocal(x):
    with np.errstate(all="ignore"):
        return 1 / wide(x)


def atan(x):
    return np.arctan(wide(x))


def softmax(x):
    """Over the last axis; extended precision after the float32 subtraction of the maximum, which is part of the op."""
    x = np.asarray(x, np.float32)
    with np.errstate(all="ignore"):
        e = np.exp((x - x.max(axis=-1, keepdims=True)).astype(np.longdouble))
        return e / e.sum(axis=-1, keepdims=True)


def ndtri(p):
    """Newton's method in double on the tail probability 1 - erf, from the standard library's quantile."""
    with np.errstate(invalid="ignore"):
        return _elementwise(_quantile, wide(p).astype(np.float64))


def erfinv(y):
    y = wide(y).astype(np.float64)
    with np.errstate(all="ignore"):
        return _elementwise(_erfinv, y)


def _elementwise(function, x):
    return np.frompyfunc(function, 1, 1)(x).astype(np.longdouble)


def _quantile(p):
    if not 0 <= p <= 1:
        return math.nan
    if p in (0, 1):
        return math.copysign(math.inf, p - 0.5)
    return _polish(min(p, 1 - p)) * (1 if p > 0.5 else -1)


def _erfinv(y):
    if not -1 <= y <= 1:
        return math.nan
    if abs(y) == 1:
        return math.copysign(math.inf, y)
    if abs(y) < 1e-4:  # two terms of the series
        return math.sqrt(math.pi) / 2 * (y + math.pi / 12 * y**3)
    return math.copysign(_polish((1 - abs(y)) / 2) / math.sqrt(2), y)


def _polish(q):
    """Upper-tail quantile: x with erfc(x / sqrt 2) / 2 = q, q <= 1/2."""
    if q > 0.4999:  # three terms around the middle: q = 1/2 - phi(0) (x - x^3/6)
        d = (0.5 - q) * math.sqrt(2 * math.pi)
        return d + d**3 / 6
    x = statistics.NormalDist().inv_cdf(1 - q) if q > 1e-12 else math.sqrt(-2 * math.log(q)) - 1
    for _ in range(40):
        tail = math.erfc(x / math.sqrt(2)) / 2
        step = math.log(tail / q) * tail / (math.exp(-x * x / 2) / math.sqrt(2 * math.pi))
        x += step
        if abs(step) < 1e-15 * abs(x):
            break
    return x


UNARY = {
    "Rsqrt": rsqrt,
    "Reciprocal": reciprocal,
    "Inv": reciprocal,
    "Erfc": erfc,
    "Atan": atan,
    "Ndtri": ndtri,
    "Erfinv": erfinv,
}


def samples(seed=7, count=200_000):
    """float32 inputs: random bit patterns, ordinary values, and every special value, in a fixed order."""
    generator = np.random.default_rng(seed)
    patterns = generator.integers(0, 2**32, count, dtype=np.uint64).astype(np.uint32).view(np.float32)
    ordinary = (generator.random(count) * 24 - 12).astype(np.float32)
    return np.concatenate([specials(), patterns, ordinary])


def specials():
    """Zeros, denormals, the ends of the ranges, infinities, quiet and signalling NaN with payloads, both signs."""
    magnitudes = [
        0x0,
        0x1,
        0x7FFFFF,
        0x800000,
        0x800001,
        0xD800000,
        0x3F7FFFFF,
        0x3F800000,
        0x3F800001,
        0x7E800000,
        0x7E800001,
        0x7F000000,
        0x7F7FFFFF,
        0x7F800000,
        0x7F800001,
        0x7FC00000,
        0x7FD23456,
        0x41133333,
    ]
    return np.array([sign | m for m in magnitudes for sign in (0, 0x80000000)], np.uint32).view(np.float32)

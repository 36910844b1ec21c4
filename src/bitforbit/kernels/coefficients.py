"""Derive every polynomial of the kernels and write `native/coefficients.h`.

Run `python -m bitforbit.kernels.coefficients` (needs mpmath) to write the header again; the header is committed so that
a build needs only a C compiler.  Each polynomial is fitted here, in 60 digits, from its function's definition: a
Chebyshev fit (within a few percent of the best uniform one), rounded to double or float once, then its error measured
on the rounded coefficients and written beside them.  No coefficient comes from another library.
"""

import sys
from pathlib import Path

HEADER = Path(__file__).parent / "native" / "coefficients.h"


def _rows():
    """Yield (name, C type, comment, coefficients from the constant term up, largest relative error as log2)."""
    import mpmath as mp

    mp.mp.dps = 60
    ln2_half = mp.log(2) / 2 * mp.mpf("1.0001")

    def fit(function, low, high, terms, weight=lambda t, p, f: p / f - 1, ctype="double"):
        low, high = mp.mpf(low), mp.mpf(high)
        descending, _ = mp.chebyfit(function, [low, high], terms, error=True)
        coefficients = [_round(c, ctype) for c in reversed(descending)]
        worst = mp.mpf(0)
        for step in range(801):
            t = low + (high - low) * step / 800
            value = function(t)
            worst = max(worst, abs(weight(t, mp.polyval(coefficients[::-1], t), value)))
        return coefficients, worst

    def row(name, comment, *args, **kwargs):
        coefficients, worst = fit(*args, **kwargs)
        return name, kwargs.get("ctype", "double"), comment, coefficients, float(mp.log(worst, 2))

    # exp(r) = 1 + r + r^2 q(r): the two leading terms stay exact, so exp(0) is exactly 1.
    def exp_tail(r):
        return (mp.expm1(r) - r) / r**2 if abs(r) > mp.mpf("1e-15") else mp.mpf(1) / 2 + r / 6

    def exp_weight(r, p, f):
        return (p - f) * r**2 / mp.exp(r)

    yield row(
        "EXPF",
        "q: exp(r) = 1 + r + r^2 q(r), |r| <= ln2/2",
        exp_tail,
        -ln2_half,
        ln2_half,
        5,
        weight=exp_weight,
        ctype="float",
    )
    yield row("EXPD", "q: exp(r) = 1 + r + r^2 q(r), |r| <= ln2/2", exp_tail, -ln2_half, ln2_half, 6, weight=exp_weight)

    # erfc(x) = exp(-x^2) r P(r) with r = 1/(x + 3): one reciprocal serves as the variable and as the decay.
    def erfc_p(r):
        x = 1 / r - 3
        return mp.exp(x * x) * mp.erfc(x) * (x + 3)

    yield row(
        "ERFC",
        "P: erfc(x) = exp(-x^2) r P(r), r = 1/(x + 3), 0 <= x <= 9.3",
        erfc_p,
        1 / mp.mpf("12.3"),
        1 / mp.mpf(3),
        11,
    )

    # atan(t) = t + t s q(s), s = t^2, 0 <= t <= 1
    def atan_q(s):
        t = mp.sqrt(s)
        return (mp.atan(t) / t - 1) / s if s > mp.mpf("1e-20") else mp.mpf(-1) / 3 + s / 5

    yield row(
        "ATAN",
        "q: atan(t) = t + t s q(s), s = t^2 <= 1",
        atan_q,
        0,
        1,
        13,
        weight=lambda s, p, f: (p - f) * s / (1 + s * f),
    )

    # log(m) = 2 s + s^3 q(s^2), s = (m - 1)/(m + 1), m between sqrt(1/2) and sqrt(2)
    def log_q(w):
        s = mp.sqrt(w)
        return (2 * mp.atanh(s) / s - 2) / w if w > mp.mpf("1e-20") else mp.mpf(2) / 3 + 2 * w / 5

    yield row(
        "LOG",
        "q: log(m) = 2 s + s^3 q(s^2), s = (m - 1)/(m + 1), sqrt(1/2) <= m <= sqrt(2)",
        log_q,
        0,
        (mp.sqrt(2) - 1) ** 4,
        5,
        weight=lambda w, p, f: (p - f) * w / (2 + w * f),
    )

    # Normal quantile: odd around 1/2; in the tail a function of r = sqrt(-2 log q).
    def centre(u):
        x = mp.sqrt(u)
        return mp.sqrt(2) * mp.erfinv(2 * x) / x if u > mp.mpf("1e-25") else mp.sqrt(2 * mp.pi)

    def tail(s):
        r = 1 / s - 2
        x = mp.findroot(
            lambda x: mp.log(mp.erfc(x / mp.sqrt(2)) / 2) + r * r / 2, r - mp.log(2 * mp.pi * r * r) / (2 * r)
        )
        return x * s

    yield row("NDTRI", "P: ndtri(1/2 + x) = x P(x^2), |x| <= 3/8", centre, 0, mp.mpf("0.1407"), 12)
    yield row(
        "NDTRI_TAIL",
        "P: -ndtri(q) = P(s) / s, s = 1/(r + 2), r = sqrt(-2 log q), 2^-126 <= q <= 1/8",
        tail,
        1 / mp.mpf("15.3"),
        1 / mp.mpf("4.039"),
        13,
    )

    # 1/sqrt(x) from a seed y with e = 1 - x y^2: y (c0 + c1 e + c2 e^2), |e| <= SEED_ERROR of the integer seed.
    bound = mp.mpf("0.0705")
    yield row(
        "RSQRT",
        "c: (1 - e)^(-1/2) for the integer seed's |e| <= 0.0705",
        lambda e: 1 / mp.sqrt(1 - e),
        -bound,
        bound,
        3,
        ctype="float",
    )


def _round(value, ctype):
    import mpmath as mp
    import numpy as np

    return mp.mpf(float(np.float32(float(value)) if ctype == "float" else float(value)))


def _literal(value, ctype):
    return float(value).hex() + ("f" if ctype == "float" else "")


def header():
    """Return the text of `coefficients.h`."""
    lines = [
        "/* Written by `python -m bitforbit.kernels.coefficients`; do not edit. Lowest power first. */",
        "#ifndef BFB_COEFFICIENTS_H",
        "#define BFB_COEFFICIENTS_H",
        "",
    ]
    for name, ctype, comment, coefficients, error in _rows():
        lines.append(f"/* {comment}; relative error 2^{error:.1f} */")
        lines.append(f"static const {ctype} {name}[{len(coefficients)}] = {{")
        lines += [f"    {_literal(c, ctype)}," for c in coefficients]
        lines += ["};", ""]
    return "\n".join([*lines, "#endif", ""])


if __name__ == "__main__":
    text = header()
    HEADER.write_text(text)
    sys.stderr.write(text)

"""Inputs of the op census: from integers alone, so that no library's float code can shift them between hosts."""

import hashlib
from typing import NamedTuple

import numpy as np

# What a kernel may treat apart: zeros, infinities, NaN, the ends of the normal range, denormals, ties, large arguments.
SPECIAL = (
    0.0, -0.0, 1.0, -1.0, float("inf"), float("-inf"), float("nan"), 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, 1e-3, -1e-3, 6.5e4,
    -6.5e4, 1e-40, -1e-40, 1.1754944e-38, 3.4028235e38, -3.4028235e38, 88.0, -88.0, 104.0, -104.0, 1e5, 0.99999994,
)  # fmt: skip


class In(NamedTuple):
    """One input tensor.

    Attributes:
        shape: its shape.
        domain: `sym` (-4 to 4), `unit` (0 to 1, open), `positive` (0 to 16, open), `wide` (30 powers of two up and
            down), `near` (0.9 to 1.1, so that long products stay), `special`, `spd` (symmetric positive definite),
            `count:n` (integers from 0 to n - 1), `sorted:n`.
        dtype: `None` for the case's own.
    """

    shape: tuple[int, ...]
    domain: str = "sym"
    dtype: str | None = None


def array(label: str, wanted: In, dtype: str) -> np.ndarray:
    """Return the array for one input of one case; its bits depend on the arguments only."""
    domain, _, number = wanted.domain.partition(":")
    kind = _dtype(wanted.dtype or dtype)
    if domain == "special":
        with np.errstate(all="ignore"):
            return np.array(SPECIAL, "float64").astype(kind)
    if kind.kind == "c":
        parts = [_real(f"{label}/{part}", wanted.shape, domain, number) for part in ("real", "imag")]
        return (parts[0] + 1j * parts[1]).astype(kind)
    if kind == np.float16 and domain in COARSE:
        return _coarse(_bits(label, wanted.shape), domain).astype(kind)
    with np.errstate(over="ignore"):
        return _real(label, wanted.shape, domain, number).astype(kind)


COARSE = ("sym", "unit", "positive", "wide", "near")


def _coarse(bits: np.ndarray, domain: str) -> np.ndarray:
    """Values of half precision whose products are no denormals: see `bitforbit.audit.census.SETTLED`."""
    steps = (bits >> np.uint64(20)).astype("int64") % 4096
    if domain == "unit":
        return (steps % 24 + 8) / 32
    if domain == "positive":
        return (steps % 255 + 1) / 16
    if domain == "near":
        return 1 + (steps % 17 - 8) / 512
    if domain == "wide":
        return np.where(steps % 2, -1.0, 1.0) * np.ldexp((steps // 2 % 32 + 32) / 64, steps // 64 % 12 - 3)
    return (steps % 257 - 128) / 32


def _real(label: str, shape: tuple[int, ...], domain: str, number: str) -> np.ndarray:
    """Integers below 2^24, scaled by powers of two: exact in float32 and in float64."""
    bits = _bits(label, shape)
    low = (bits & np.uint64(0xFFFFFF)).astype("int64")
    if domain in ("count", "sorted"):
        values = (bits >> np.uint64(16)) % np.uint64(int(number))
        return np.sort(values.ravel()).reshape(shape) if domain == "sorted" else values
    if domain == "unit":
        return (low | 1) * 2.0**-24
    if domain == "positive":
        return (low | 1) * 2.0**-20
    if domain == "near":
        return 1 + (low - (1 << 23)) * 2.0**-27
    if domain == "wide":
        exponents = ((bits >> np.uint64(32)) % np.uint64(61)).astype("int64") - 30
        signs = np.where(bits >> np.uint64(63), -1.0, 1.0)
        return signs * np.ldexp((low | 1 << 23) * 2.0**-24, exponents)
    values = (low - (1 << 23)) * 2.0**-21
    if domain == "spd":
        # Diagonally dominant, by sums of few exact numbers.
        values = (values + np.swapaxes(values, -1, -2)) / 8
        values = values + np.eye(shape[-1]) * shape[-1]
    return values


def _bits(label: str, shape: tuple[int, ...]) -> np.ndarray:
    key = int.from_bytes(hashlib.sha256(b"bitforbit census 1\0" + label.encode()).digest()[:16], "little")
    return np.random.Philox(key=key).random_raw(int(np.prod(shape, dtype="int64"))).reshape(shape)


def _dtype(name: str) -> np.dtype:
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)

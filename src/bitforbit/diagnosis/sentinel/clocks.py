"""What the program's lines read from clocks, and whether a seed was made of one of these readings.

A seed is seldom the time itself: it is `int(time.time() * 1000) % 2**32`, a date's microseconds or its digits. A
reading lies between two of our own, some microseconds apart, so it is known which numbers may be made of it, and how
likely any other number is one of them. One that stands in the program's text is not taken for it.
"""

import functools
import linecache
import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

# Kept of a program that reads clocks all the time; each one more makes an accident likelier.
MOST = 256
# The greatest chance that some reading fits a number that has nothing to do with it.
CHANCE = 1e-4
# Below that, numbers are what people write.
SMALL = 1000
# Nanoseconds in the units in which time is given.
UNITS = (10**9, 10**6, 10**3, 1)
# What a seed is cut to, by a remainder or a mask.
MODULI = (*(2**bits for bits in (16, 24, 30, 31, 32, 63, 64)), 2**31 - 1, 2**32 - 1, *(10**n for n in range(4, 11)))
# A date's digits, from those of a minute of some day on.
DIGITS = ("%H%M%S", "%d%H%M%S", "%m%d%H%M", "%m%d%H%M%S", "%y%m%d", "%y%m%d%H%M%S", "%Y%m%d", "%Y%m%d%H", "%Y%m%d%H%M",
          "%Y%m%d%H%M%S")  # fmt: skip


class Reading(NamedTuple):
    """One call of a clock's function.

    Attributes:
        place: file and line that called it.
        before, after: nanoseconds on that clock.
        wall: whether it tells the date.
    """

    place: tuple[str, int]
    before: int
    after: int
    wall: bool


class Readings:
    """The latest readings of the program's own lines."""

    def __init__(self):
        self._kept: deque[Reading] = deque(maxlen=MOST)
        self._unrelated: deque = deque(maxlen=MOST)

    def add(self, reading: Reading) -> None:
        self._kept.append(reading)
        self._unrelated.clear()

    def behind(self, seed) -> tuple[str, int] | None:
        """Return file and line of the reading that a seed was made of, `None` where none fits."""
        if seed <= SMALL or seed in self._unrelated:
            return None
        for reading in reversed(self._kept):
            if chance(seed, reading) * len(self._kept) <= CHANCE and not _written(seed, reading.place[0]):
                return reading.place
        self._unrelated.append(seed)
        return None


def chance(seed, reading: Reading) -> float:
    """Return how likely a number fits a reading by accident, 1 where `seed` does not fit."""
    return min(_fits(seed, reading), default=1.0)


def _fits(seed, reading: Reading) -> Iterator[float]:
    for unit in UNITS:
        if isinstance(seed, float) and not seed.is_integer():
            if reading.before <= seed * unit <= reading.after:
                yield (reading.after - reading.before) / reading.after
            continue
        # Rounding may go up.
        low, high = reading.before // unit, reading.after // unit + 1
        if low <= seed <= high:
            yield (high - low + 1) / high
        for modulus in MODULI:
            if seed < modulus and (int(seed) - low) % modulus <= high - low:
                yield (high - low + 1) / modulus
    if reading.wall and seed == int(seed):
        # Twice in a while a date's digits are those that somebody wrote: the text tells them apart.
        known = _digits(reading.before // 10**9) | _digits(reading.after // 10**9)
        if {int(seed), int(seed) // 10**6} & known:
            yield 0.0


@functools.lru_cache(MOST)
def _digits(second: int) -> frozenset[int]:
    dates = time.localtime(second), time.gmtime(second)
    return frozenset(int(time.strftime(digits, date)) for date in dates for digits in DIGITS)


def _written(seed, path: str) -> bool:
    """Return whether a number stands in a file, however its digits are grouped."""
    return str(int(seed)) in "".join(linecache.getlines(path)).replace("_", "")

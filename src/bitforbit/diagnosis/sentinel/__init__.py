"""Report, while a program runs, what it reads that changes from run to run: file, line and kind, once for each place.

`table` has what is watched, `judge` decides what is a fault, `frames` finds the program's line. On Python 3.12 and
later `monitoring` sees every call, under whatever name, and changes nothing of the program; on 3.11 `patching` puts
functions in the place of the watched ones, so that one which was imported by name before the start is missed.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator

from bitforbit.diagnosis.sentinel.judge import Event, Sentinel, clock_unit
from bitforbit.diagnosis.sentinel.table import watched

__all__ = ["Event", "Sentinel", "clock_unit", "watched", "watching"]


@contextlib.contextmanager
def watching(say: Callable[[str], None], folder: str = "") -> Iterator[Sentinel]:
    """Yield a sentinel that reports while the block runs.

    Args:
        say: called with a line for each event.
        folder: places below it are shown relative to it.
    """
    if hasattr(sys, "monitoring"):
        from bitforbit.diagnosis.sentinel.monitoring import active
    else:
        from bitforbit.diagnosis.sentinel.patching import active
    sentinel = Sentinel(say, folder)
    with active(sentinel):
        yield sentinel

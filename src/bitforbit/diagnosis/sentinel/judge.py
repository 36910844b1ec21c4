"""Decide what is a fault of the program, and keep it once for each kind and place."""

import numbers
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.script import overrides
from bitforbit.diagnosis.sentinel import clocks, frames

ENTROPY, CLOCK, PROCESS, LISTING, THREAD = "entropy", "clock", "process", "listing", "thread"
# In the place of a function's first argument: it has none; it has one that cannot be seen.
NOWHERE, UNSEEN = object(), object()
# A seed that lies this near to the clock, in seconds, was read from it.
NEAR = 5.0
SCALES = {1: "seconds", 10**3: "milliseconds", 10**6: "microseconds", 10**9: "nanoseconds"}


class Event(NamedTuple):
    """One report.

    Attributes:
        kind: `entropy`, `clock`, `process`, `listing` or `thread`.
        place: `file:line` in the program.
        text: what happened and what to write instead.
    """

    kind: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class Sentinel:
    """Collects events; `say` hears of each at once.

    Attributes:
        events: in the order in which they happened, each kind and place once.
    """

    def __init__(self, say: Callable[[str], None], folder: str = ""):
        self.events: list[Event] = []
        self._say, self._folder = say, folder
        self._busy = threading.local()
        self._reseeded = None
        self._kept: set = set()
        self._lines: dict[tuple[str, str], set[int]] = {}
        self._readings = clocks.Readings()

    def called(self, role: str, first) -> None:
        """Judge one call of a watched function whose first argument is `first` (`NOWHERE`: none)."""
        if getattr(self._busy, "now", False):
            return
        self._busy.now = True
        try:
            getattr(self, f"_{role}")(first)
        finally:
            self._busy.now = False

    def read(self, before: int, after: int, wall: bool) -> None:
        """Take note of one reading of a clock, which lies between two of ours, in nanoseconds."""
        if not getattr(self._busy, "now", False) and (found := frames.caller()):
            self._readings.add(clocks.Reading(found, before, after, wall))

    def _entropy(self, first) -> None:
        if self._reseeded is None or self._reseeded != frames.place(own=False):
            self._note(ENTROPY, "draws fresh entropy of the system, which no seed repeats. Seed each generator.")

    def _generator(self, first) -> None:
        if first is NOWHERE or first is None:
            self._note(ENTROPY, "seeds a generator from the system's entropy, as it got no seed. Give it one.")
        else:
            self._seed(first)

    def _legacy(self, first) -> None:
        """`RandomState(seed)` draws entropy first and throws it away: what it draws on this line does not count."""
        if first is not NOWHERE and first is not None:
            self._reseeded = frames.place(own=False)
            self._seed(first)

    def _seed(self, first) -> None:
        for number in [] if first is UNSEEN else _numbers(first):
            if unit := clock_unit(number, time.time()):
                return self._changing(CLOCK, f"the time in {unit}")
            if number == os.getpid() and number > 1000:
                return self._changing(PROCESS, "the process's id")
            if reading := self._readings.behind(number):
                where = "" if reading == frames.place(own=False) else f" that {self._shown(reading)} reads"
                return self._changing(CLOCK, f"made of the time{where}")
        found, made = frames.place(own=False), "" if first is UNSEEN else "made of "
        if found and found[1] in self._linted(found[0], "BFB301"):
            self._changing(CLOCK, f"{made}the time")
        elif found and found[1] in self._linted(found[0], "BFB303"):
            self._changing(PROCESS, f"{made}the process's id")
        return None

    def _kept_seed(self, first) -> None:
        """A seed that a layer or an initializer keeps for later."""
        self._kept.update(_numbers(first))
        self._seed(first)

    def _tensor_seed(self, first) -> None:
        """A seed on its way into an op; one that was kept was judged on the line that gave it."""
        self._seed([number for number in _numbers(first) if number not in self._kept])

    def _changing(self, kind: str, what: str) -> None:
        self._note(kind, f"a seed is {what}, so no run can be repeated. Write the seed down.")

    def _listing(self, first) -> None:
        found = frames.place(own=True)
        if found and found[1] in self._linted(found[0], "BFB401"):
            self._note(LISTING, "lists files in the order of the file system. Write sorted(...).")

    def _thread(self, first) -> None:
        if frames.place(own=True):
            self._note(THREAD, "starts a thread: what it appends or draws comes in an order of its own.")

    def _note(self, kind: str, text: str) -> None:
        found = frames.place(own=kind in (LISTING, THREAD))
        if not found:
            return
        place = self._shown(found)
        if not any(event.kind == kind and event.place == place for event in self.events):
            self.events.append(Event(kind, place, text))
            self._say(str(self.events[-1]))

    def _shown(self, place: tuple[str, int]) -> str:
        path, line = place
        return f"{overrides.shown(path, self._folder) if self._folder else path}:{line}"

    def _linted(self, path: str, code: str) -> set[int]:
        """Return the lines of `path` on which the linter finds `code`."""
        if (path, code) not in self._lines:
            from bitforbit.diagnosis.lint import check, rules

            chosen = tuple(rule for rule in rules.every() if rule.code == code)
            try:
                found = check.check_text(Path(path), check.read(Path(path)), chosen)
            except (OSError, SyntaxError, ValueError, RecursionError):
                found = []
            self._lines[path, code] = {n for f in found if f.code == code for n in range(f.line, f.end_line + 1)}
        return self._lines[path, code]


def _numbers(value) -> list:
    """Return the numbers of a seed: of one number, or of a short sequence of them; a tensor has none to be seen."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    return [part for part in parts[:8] if isinstance(part, numbers.Real) and not isinstance(part, bool)]


def clock_unit(value: float, now: float) -> str:
    """Return the unit in which `value` is the present time, an empty text where it is none."""
    return next((unit for scale, unit in SCALES.items() if abs(value - now * scale) < NEAR * scale), "")

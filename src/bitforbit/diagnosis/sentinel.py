"""Report, while a program runs, what it reads that changes from run to run: file, line and kind, once for each place.

On Python 3.12 and later `sys.monitoring` sees every call of a watched function, under whatever name; on 3.11 the
functions are patched where they live, so that a name imported from a module before the start is missed.
A call is the program's own where no library stands between it and the program's line.
"""

import contextlib
import os
import random
import secrets
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from bitforbit.policy import generated

ENTROPY, CLOCK, PROCESS, LISTING, THREAD = "entropy", "clock", "process", "listing", "thread"
PACKAGE = str(Path(__file__).resolve().parents[1]) + os.sep
EXPERIMENTS = os.path.join(PACKAGE, "experiments") + os.sep
STANDARD = os.path.dirname(os.__file__) + os.sep
NOWHERE = object()
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
        self._listings: dict[str, set[int]] = {}

    def called(self, role: str, first) -> None:
        """Judge one call of a watched function whose first argument is `first` (`NOWHERE`: none)."""
        if getattr(self._busy, "now", False):
            return
        self._busy.now = True
        try:
            getattr(self, f"_{role}")(first)
        finally:
            self._busy.now = False

    def _entropy(self, first) -> None:
        if self._reseeded is not None and self._reseeded == self._where(own=False):
            return
        self._note(ENTROPY, "draws fresh entropy of the system, which no seed repeats. Make generators with a seed.")

    def _generator(self, first) -> None:
        if first is NOWHERE or first is None:
            self._note(ENTROPY, "seeds a generator from the system's entropy, as it got no seed. Give it one.")
        else:
            self._seed(first)

    def _legacy(self, first) -> None:
        """`RandomState(seed)` draws entropy first and throws it away: what it draws on this line does not count."""
        if first is not NOWHERE and first is not None:
            self._reseeded = self._where(own=False)
            self._seed(first)

    def _seed(self, first) -> None:
        if isinstance(first, bool) or not isinstance(first, (int, float)):
            return
        unit = clock_unit(first, time.time())
        if unit:
            self._note(CLOCK, f"a seed is the time in {unit}, so no run can be repeated. Write the seed down.")
        elif first == os.getpid() and first > 1000:
            self._note(PROCESS, "a seed is the process's id, so no run can be repeated. Write the seed down.")

    def _listing(self, first) -> None:
        found = self._where(own=True)
        if found and found[1] in self._unsorted(found[0]):
            self._note(LISTING, "lists files in the order of the file system. Write sorted(...).")

    def _thread(self, first) -> None:
        if self._where(own=True):
            self._note(THREAD, "starts a thread: what it appends or draws comes in an order of its own.")

    def _note(self, kind: str, text: str) -> None:
        found = self._where(own=kind != ENTROPY)
        if not found:
            return
        path, line = found
        relative = os.path.relpath(path, self._folder) if self._folder else path
        place = f"{path if relative.startswith('..') else relative}:{line}"
        if not any(event.kind == kind and event.place == place for event in self.events):
            self.events.append(Event(kind, place, text))
            self._say(str(self.events[-1]))

    def _where(self, own: bool) -> tuple[str, int] | None:
        """Return the innermost line of the program, or `None` where there is none, or an import is under way.

        Args:
            own: only where nothing but the standard library stands between.
        """
        for path, line in _stack():
            if path.startswith("<frozen importlib"):
                return None
            if is_program(path):
                return path, line
            if own and not path.startswith((STANDARD, PACKAGE, "<")):
                return None
        return None

    def _unsorted(self, path: str) -> set[int]:
        """Return the lines of `path` on which the linter finds a listing whose order reaches data."""
        if path not in self._listings:
            from bitforbit.diagnosis.lint import check
            from bitforbit.diagnosis.lint.rules.order import UnsortedListing

            try:
                found = check.check_text(Path(path), check.read(Path(path)), (UnsortedListing(),))
                self._listings[path] = {n for f in found for n in range(f.line, f.end_line + 1)}
            except (OSError, SyntaxError, ValueError):
                self._listings[path] = set()
        return self._listings[path]


def clock_unit(value: float, now: float) -> str:
    """Return the unit in which `value` is the present time, an empty text where it is none."""
    return next((unit for scale, unit in SCALES.items() if abs(value - now * scale) < NEAR * scale), "")


def is_program(path: str) -> bool:
    """Return whether a file belongs to neither a library nor this package (its experiments are programs)."""
    if path.startswith(EXPERIMENTS):
        return True
    library = path.startswith((PACKAGE, STANDARD, "<")) or f"{os.sep}site-packages{os.sep}" in path
    return not library and generated.PREFIX not in path


def _stack() -> Iterator[tuple[str, int]]:
    """Yield `(file, line)` from the inside out; lines that AutoGraph generated are those they were made from."""
    frame = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if generated.PREFIX in path:
            yield from _mapped_stack()
            return
        yield path, frame.f_lineno
        frame = frame.f_back


def _mapped_stack() -> Iterator[tuple[str, int]]:
    from tensorflow.python.util import tf_stack

    for entry in reversed(list(tf_stack.extract_stack())):
        yield entry.filename, entry.lineno


def watched() -> list[tuple[object, str, str]]:
    """Return `(owner, attribute, role)` of every watched function; NumPy's where it is loaded."""
    table = [
        (os, "urandom", "entropy"),
        (os, "getrandom", "entropy"),
        (random, "_urandom", "entropy"),
        (uuid, "uuid1", "entropy"),
        (secrets, "token_bytes", "entropy"),
        (random, "Random", "generator"),
        (random, "seed", "generator"),
        (os, "listdir", "listing"),
        (os, "scandir", "listing"),
        (threading.Thread, "start", "thread"),
    ]
    if "numpy" in sys.modules:
        import numpy as np

        table += [(np.random, "default_rng", "seed"), (np.random, "seed", "generator")]
        table += [(np.random, "RandomState", "legacy"), (np.random, "SeedSequence", "seed")]
    return [row for row in table if hasattr(row[0], row[1])]


@contextlib.contextmanager
def watching(say: Callable[[str], None], folder: str = "") -> Iterator[Sentinel]:
    """Yield a sentinel that reports while the block runs.

    Args:
        say: called with a line for each event.
        folder: places below it are shown relative to it.
    """
    sentinel = Sentinel(say, folder)
    with _monitoring(sentinel) if hasattr(sys, "monitoring") else _patching(sentinel):
        yield sentinel


@contextlib.contextmanager
def _patching(sentinel: Sentinel) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for owner, name, role in watched():
            stock = getattr(owner, name)
            if isinstance(stock, type):
                _patch_init(sentinel, owner, name, role, stock, stack)
                continue

            def wrapper(*args, stock=stock, role=role, **kwargs):
                first = args[0] if args else next(iter(kwargs.values()), NOWHERE)
                sentinel.called(role, first)
                return stock(*args, **kwargs)

            setattr(owner, name, wrapper)
            stack.callback(setattr, owner, name, stock)
        yield


def _patch_init(sentinel, owner, name, role, stock, stack) -> None:
    """Stand in for a class by a subclass that reports: instances stay instances of the stock class."""
    if not stock.__flags__ & (1 << 10):
        return

    class Same(type(stock)):
        def __instancecheck__(cls, instance):
            return isinstance(instance, stock) if cls is Watched else type.__instancecheck__(cls, instance)

        def __subclasscheck__(cls, other):
            return issubclass(other, stock) if cls is Watched else type.__subclasscheck__(cls, other)

    class Watched(stock, metaclass=Same):
        def __new__(cls, *args, **kwargs):
            if cls is Watched:
                sentinel.called(role, args[0] if args else next(iter(kwargs.values()), NOWHERE))
                return stock(*args, **kwargs)
            return stock.__new__(cls, *args, **kwargs)

    Watched.__name__ = Watched.__qualname__ = name
    setattr(owner, name, Watched)
    stack.callback(setattr, owner, name, stock)


@contextlib.contextmanager
def _monitoring(sentinel: Sentinel) -> Iterator[None]:
    """Look at each call site once; one that calls nothing watched is switched off, so that a loop is not slowed."""
    tools = sys.monitoring
    roles = {}
    for owner, name, role in watched():
        with contextlib.suppress(TypeError):
            roles[getattr(owner, name)] = role
    tool = next((number for number in (tools.PROFILER_ID, 3, 4) if tools.get_tool(number) is None), None)
    if tool is None:
        with _patching(sentinel):
            yield
        return

    def on_call(code, offset, function, first):
        try:
            role = roles.get(function)
        except TypeError:
            return tools.DISABLE
        if role is None:
            return tools.DISABLE
        sentinel.called(role, NOWHERE if first is tools.MISSING else first)
        return None

    tools.use_tool_id(tool, "bitforbit-sentinel")
    tools.register_callback(tool, tools.events.CALL, on_call)
    tools.set_events(tool, tools.events.CALL)
    try:
        yield
    finally:
        tools.set_events(tool, 0)
        tools.register_callback(tool, tools.events.CALL, None)
        tools.free_tool_id(tool)
        tools.restart_events()

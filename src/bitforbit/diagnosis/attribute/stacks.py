"""Read the seal's log: which events happened, and the Python stack of each."""

import linecache
import re
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis import whose

_FRAME = re.compile(r'  File "(.*)", line (\d+) in (.*)')


class Frame(NamedTuple):
    """One frame of a stack: file, line from 1, function."""

    file: str
    line: int
    function: str

    @property
    def text(self) -> str:
        return linecache.getline(self.file, self.line).strip()

    @property
    def is_import(self) -> bool:
        return self.file.startswith("<frozen importlib")

    @property
    def is_users(self) -> bool:
        return whose.is_program(self.file)

    def record(self) -> dict:
        return {"file": self.file, "line": self.line, "function": self.function, "text": self.text}


class Event(NamedTuple):
    """One event of a source.

    Attributes:
        source: as in the log.
        number: from 0, or -1 for all events of child processes.
        stack: innermost frame first; empty where no Python code ran.
    """

    source: str
    number: int
    stack: tuple[Frame, ...]

    @property
    def line(self) -> Frame | None:
        """The line to show: the innermost one of the user's, else of a package, else of any library."""
        for wanted in (lambda frame: frame.is_users, lambda frame: "site-packages" in frame.file, lambda frame: True):
            for frame in self.stack:
                if not frame.is_import and wanted(frame):
                    return frame
        return None

    @property
    def suspicious(self) -> bool:
        """The user's code asked for it, and not by importing something."""
        for frame in self.stack:
            if frame.is_users:
                return True
            if frame.is_import:
                return False
        return False

    @property
    def by_import(self) -> bool:
        """A module drew it as it was imported."""
        first = next((index for index, frame in enumerate(self.stack) if frame.is_import), None)
        return first is not None and not any(frame.is_users for frame in self.stack[:first])


def read(path: Path) -> list[Event]:
    """Return the events of a log in the order of their numbers, those of child processes as one event -1."""
    events: list[Event] = []
    current: tuple[str, int] | None = None
    stack: list[Frame] = []

    def close() -> None:
        if current:
            events.append(Event(*current, tuple(stack)))

    for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
        words = line.split()
        if len(words) == 3 and words[0] in ("event", "child"):
            close()
            stack = []
            current = (words[1], int(words[2]) if words[0] == "event" else -1)
        elif found := _FRAME.match(line):
            stack.append(Frame(found[1], int(found[2]), found[3]))
    close()
    unique = {(event.source, event.number): event for event in events}
    return sorted(unique.values(), key=lambda event: (event.source, event.number))

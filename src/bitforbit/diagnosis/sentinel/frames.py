"""Which line of the program is running, seen from a function that it called."""

import os
import sys
from collections.abc import Iterator

from bitforbit.diagnosis import whose
from bitforbit.policy import generated

# Where functions stand in the place of watched ones; a thread that another part of this package starts is its own.
WRAPPERS = os.path.join(whose.PACKAGE, "diagnosis") + os.sep
# What these draw is a file's name or a connection's key, and no data.
NAMES_AND_KEYS = (os.path.join(whose.STANDARD, "tempfile.py"), os.path.join(whose.STANDARD, "multiprocessing") + os.sep)


def place(own: bool) -> tuple[str, int] | None:
    """Return file and line of the innermost line of the program on the stack.

    Args:
        own: only where nothing but the standard library stands between.

    Returns:
        `None` where there is none, where an import is under way, or where the draw is for a name or a key.
    """
    for path, line in _stack():
        if path.startswith(("<frozen importlib", *NAMES_AND_KEYS)):
            return None
        if whose.is_program(path):
            return path, line
        if own and not path.startswith((whose.STANDARD, WRAPPERS, "<")):
            return None
    return None


def caller() -> tuple[str, int] | None:
    """Return file and line that made the watched call itself, `None` where it is none of the program's lines."""
    path, line = next(((path, line) for path, line in _stack() if not path.startswith(WRAPPERS)), ("", 0))
    return (path, line) if whose.is_program(path) else None


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

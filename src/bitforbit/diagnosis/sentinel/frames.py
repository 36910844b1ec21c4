"""Whose line it is: the program's, a library's or this package's."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bitforbit.policy import generated

PACKAGE = str(Path(__file__).resolve().parents[2]) + os.sep
EXPERIMENTS = os.path.join(PACKAGE, "experiments") + os.sep
# Where functions stand in the place of watched ones; a thread that another part of this package starts is its own.
WRAPPERS = os.path.join(PACKAGE, "diagnosis") + os.sep
STANDARD = os.path.dirname(os.__file__) + os.sep
# What these draw is a file's name or a connection's key, and no data.
NAMES_AND_KEYS = (os.path.join(STANDARD, "tempfile.py"), os.path.join(STANDARD, "multiprocessing") + os.sep)


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
        if is_program(path):
            return path, line
        if own and not path.startswith((STANDARD, WRAPPERS, "<")):
            return None
    return None


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

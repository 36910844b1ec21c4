"""Notice what a script sets against the policy: thread counts, which stay as pinned, and seeds, which count."""

import contextlib
import functools
import os
import random
import sys
from collections.abc import Iterator
from typing import NamedTuple

from bitforbit.diagnosis import whose

THREADS = ("intra_op_parallelism_threads", "inter_op_parallelism_threads")


class Override(NamedTuple):
    """One thing that the script set.

    Attributes:
        what: `seed` or `threads`.
        place: `file:line` of the script's call, relative to its folder where it lies below.
        text: one line for the user.
    """

    what: str
    place: str
    text: str


@contextlib.contextmanager
def noticed(folder: str) -> Iterator[list[Override]]:
    """Yield a list that fills while the block runs; TensorFlow must be up.

    Args:
        folder: the script's folder.
    """
    found: list[Override] = []

    def note(what: str, text: str) -> None:
        override = Override(what, place(folder), text)
        if not any(known[:2] == override[:2] for known in found):
            found.append(override)

    with contextlib.ExitStack() as stack:
        _notice_seeds(note, stack)
        _notice_threads(note, stack)
        yield found


def _notice_seeds(note, stack) -> None:
    import numpy as np
    import tensorflow as tf

    for owner, name in ((random, "seed"), (np.random, "seed"), (tf.random, "set_seed")):
        stock = getattr(owner, name)

        @functools.wraps(stock)
        def seed(*args, stock=stock, **kwargs):
            note("seed", "seeds the generators itself, so --seed does not decide what is drawn after it")
            return stock(*args, **kwargs)

        setattr(owner, name, seed)
        stack.callback(setattr, owner, name, stock)


def _notice_threads(note, stack) -> None:
    """Let a script ask for other pools: TensorFlow would raise, as its pools are up; the policy's stand."""
    from tensorflow.python.eager import context

    for name in THREADS:
        stock = getattr(context.Context, name)

        def ask(self, number, stock=stock):
            if number != stock.fget(self):
                note("threads", f"asks for pools of {number}; the policy's {stock.fget(self)} stay (--pool-size)")

        setattr(context.Context, name, property(stock.fget, ask))
        stack.callback(setattr, context.Context, name, stock)


def place(folder: str) -> str:
    """Return `file:line` of the innermost frame that belongs to neither a library nor this package."""
    frame = sys._getframe(1)
    while frame is not None and not whose.is_program(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return "unknown"
    return f"{shown(frame.f_code.co_filename, folder)}:{frame.f_lineno}"


def shown(filename: str, folder: str) -> str:
    """Return a path below `folder` without it."""
    relative = os.path.relpath(filename, folder)
    return filename if relative.startswith("..") else relative

"""Start TensorFlow's thread pools and count their threads.

`tf.config.threading` returns what was asked for. What was given is seen only in `/proc/self/task`: while the runtime
starts, it makes `inter` threads named `tf_Compute` and `intra` threads that keep the process's own name.
"""

import os
from collections import Counter
from typing import NamedTuple

from bitforbit.errors import PolicyError


class Pools(NamedTuple):
    """Threads that the runtime started."""

    intra_op: int
    inter_op: int


_measured: Pools | None = None


def start() -> Pools:
    """Start the runtime (once) and return the sizes of its pools, counted while it starts.

    Raises:
        PolicyError: the runtime was already up, so that its pools can no longer be set or counted.
    """
    global _measured
    if _measured is None:
        from tensorflow.python.eager import context

        if context.context()._initialized:
            raise PolicyError(
                "expected the policy to be applied before the first TensorFlow op, found the runtime already started."
                " Next step: move work out of module level, or start through `bitforbit run`."
            )
        before = _threads()
        context.ensure_initialized()
        after = _threads()
        after.subtract(before)
        inter = after.pop("tf_Compute", 0)
        _measured = Pools(intra_op=sum(after.values()), inter_op=inter)
    return _measured


def measured() -> Pools:
    """Return what `start` counted."""
    return start()


def _threads() -> Counter:
    names: Counter = Counter()
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/comm") as file:
                names[file.read().strip()] += 1
        except FileNotFoundError:
            continue
    return names

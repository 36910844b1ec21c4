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


INTER = "tf_Compute"

_measured: Pools | None = None


def start(gpu: bool = False) -> Pools:
    """Start the runtime (once) and return the sizes of its pools, counted while it starts.

    Args:
        gpu: a GPU starts with it. Defaults to `False`.

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
        if gpu:
            intra = sum(_started_by(_cpu_context).values())
            _measured = Pools(intra_op=intra, inter_op=_started_by(context.ensure_initialized)[INTER])
        else:
            started = _started_by(context.ensure_initialized)
            inter = started.pop(INTER, 0)
            _measured = Pools(intra_op=sum(started.values()), inter_op=inter)
    return _measured


def _started_by(act) -> Counter:
    before = _threads()
    act()
    after = _threads()
    after.subtract(before)
    return after


def _cpu_context() -> None:
    """Start the intra-op pool, which the process shares, alone: nothing tells a GPU's threads apart from it."""
    from tensorflow.python.eager import context

    config = context.context().config
    config.device_count["GPU"] = 0
    first = context.Context(config=config)
    first.ensure_initialized()


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

"""What is watched: one row for each function, with the name of the judgement in `judge.Sentinel` that it gets."""

import datetime
import os
import random
import secrets
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    """A function, as the attribute that holds it.

    Attributes:
        owner: a module or class.
        name: the attribute.
        role: the judgement.
    """

    owner: object
    name: str
    role: str


_WALL = time.time_ns


class Clock(NamedTuple):
    """A function that reads a clock, as the attribute that holds it, and the same clock in nanoseconds."""

    owner: object
    name: str
    now: Callable[[], int]

    @property
    def wall(self) -> bool:
        """Whether it tells the date."""
        return self.now is _WALL


_DATES = ("time", "time_ns", "localtime", "gmtime", "strftime", "ctime", "asctime")
CLOCKS = (
    *(Clock(time, name, _WALL) for name in _DATES),
    *(Clock(time, name, time.monotonic_ns) for name in ("monotonic", "monotonic_ns")),
    *(Clock(time, name, time.perf_counter_ns) for name in ("perf_counter", "perf_counter_ns")),
    *(Clock(time, name, time.process_time_ns) for name in ("process_time", "process_time_ns")),
    *(Clock(datetime.datetime, name, _WALL) for name in ("now", "utcnow", "today")),
)

STANDARD = (
    Row(os, "urandom", "entropy"),
    Row(os, "getrandom", "entropy"),
    Row(random, "_urandom", "entropy"),
    Row(uuid, "uuid1", "entropy"),
    Row(secrets, "token_bytes", "entropy"),
    Row(random.Random, "__init__", "generator"),
    Row(random, "seed", "generator"),
    Row(os, "listdir", "listing"),
    Row(os, "scandir", "listing"),
    Row(threading.Thread, "start", "thread"),
)


def watched() -> list[Row]:
    """Return all rows; those of NumPy, TensorFlow and Keras where they are loaded."""
    rows = [*STANDARD, *_numpy(), *_tensorflow(), *_keras()]
    return [row for row in rows if hasattr(row.owner, row.name)]


def _numpy() -> list[Row]:
    if "numpy" not in sys.modules:
        return []
    from numpy import random as drawn

    makers = ("default_rng", "SeedSequence", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
    return [
        *(Row(drawn, name, "seed") for name in makers),
        Row(drawn, "seed", "generator"),
        Row(drawn, "RandomState", "legacy"),
    ]


def _tensorflow() -> list[Row]:
    """TensorFlow's ops take a seed through these, whatever the op and the name that it was imported by."""
    if "tensorflow" not in sys.modules:
        return []
    import tensorflow as tf
    from tensorflow.python.data.util import random_seed as data_seed
    from tensorflow.python.framework import random_seed
    from tensorflow.python.ops import random_ops_util

    return [
        Row(tf.random, "set_seed", "seed"),
        Row(random_seed, "get_seed", "tensor_seed"),
        Row(data_seed, "get_seed", "tensor_seed"),
        Row(random_ops_util, "get_key_counter_alg", "tensor_seed"),
        Row(tf.random.Generator, "from_seed", "seed"),
        Row(tf.io.gfile, "listdir", "listing"),
        Row(tf.io.gfile, "glob", "listing"),
    ]


def _keras() -> list[Row]:
    if "keras.src.random.seed_generator" not in sys.modules:
        return []
    from keras.src.backend.tensorflow import random as backend
    from keras.src.initializers.random_initializers import RandomInitializer
    from keras.src.random.seed_generator import SeedGenerator

    return [
        Row(RandomInitializer, "__init__", "kept_seed"),
        Row(SeedGenerator, "__init__", "kept_seed"),
        Row(backend, "draw_seed", "tensor_seed"),
    ]

"""The digest ops of the kernel library: all tensors of a step, without a copy and without Python.

The ops (kernels/native/op_digest.c) put the step's digests into a ring of 64 rows in the library, which Python is
asked to empty when it is full. They are XXH3-64 of the bytes; of strings, of TensorFlow's own fingerprint of each.
"""

import ctypes
import functools
import math
from collections.abc import Callable

ROWS, MAX_RANK = 64, 254
# Bytes from which a tensor gets an op of its own, and a batch's size where it is not known.
LARGE, BATCH = 1 << 13, 32
# Ops whose output is their first input's memory.
VIEWS = ("Reshape", "Identity", "ExpandDims", "Squeeze", "StopGradient", "PreventGradient")
# What these hand out (gradients of a recurrent layer's weights) is digested last. Grappler sorts a graph by distance
# from its side effects: an early digest pulls the loop forward, and each turn hands one op more to another thread.
LOOPS = ("While", "StatelessWhile")
_ON_FULL = ctypes.CFUNCTYPE(None, ctypes.c_int)


@functools.cache
def library() -> ctypes.CDLL:
    """Return the library with its op known to TensorFlow; the exact kernels of the policy are another matter."""
    import tensorflow  # noqa: F401  (its C API must be in the process before the library that uses it)

    from bitforbit.errors import HostError
    from bitforbit.kernels import loader

    found = loader.open_library(loader.current())
    if found.bfb_digest_register() < 0:
        raise HostError("expected TensorFlow to take the op BitforbitDigest, found that it does not. Next: make lock")
    return found


class Ring:
    """The rows of one stream of steps that are not yet taken.

    Args:
        columns: digests of each row.
        full: called where a step finds no place, in whatever thread that step runs; calls `take`.
        keep: also hold the tensors of the last step, for `value`.
    """

    # Streams by number, for the one function that C calls back.
    _all: dict[int, "Ring"] = {}  # noqa: RUF012

    def __init__(self, columns: int, full: Callable[[], None], keep: bool = False):
        import tensorflow as tf

        self.columns, self.full = columns, full
        library().bfb_digest_on_full(_called_by_c)
        self.number = library().bfb_digest_open(columns)
        if keep:
            library().bfb_digest_keep(self.number)
        self._all[self.number] = self
        with tf.init_scope(), tf.device("CPU"):
            # A handle that no variable stands behind: only the order of the ops that have it counts.
            name = f"bitforbit_order_of_digests_{self.number}"
            self.order = tf.raw_ops.VarHandleOp(dtype=tf.int64, shape=[], shared_name=name)

    @property
    def steps(self) -> int:
        """Steps so far, taken or not."""
        return library().bfb_digest_steps(self.number)

    @staticmethod
    def wait() -> None:
        """Wait until the steps so far are written; never from within `full`, which they may wait for."""
        library().bfb_digest_wait()

    def take(self):
        """Return the new rows, an int64 array of shape `(steps, columns)`."""
        import numpy as np

        rows = np.empty((ROWS, self.columns), np.int64)
        return rows[: library().bfb_digest_take(self.number, rows.ctypes.data)]

    def value(self, column: int, dtype):
        """Return a copy of a tensor of the last step, an array of its shape.

        Args:
            column: in the order of adding.
            dtype: NumPy's element type of it.
        """
        import numpy as np

        rank, dims, size = ctypes.c_int(), (ctypes.c_int64 * MAX_RANK)(), ctypes.c_int64()
        found = ctypes.byref(rank), dims, ctypes.byref(size)
        data = library().bfb_digest_kept(self.number, column, *found)
        return np.frombuffer(ctypes.string_at(data, size.value), dtype).reshape(dims[: rank.value])

    def close(self) -> None:
        """Free the rows; steps of graphs that still run go nowhere."""
        self.wait()
        if self._all.pop(self.number, None):
            library().bfb_digest_close(self.number)


@_ON_FULL
def _called_by_c(number: int) -> None:
    ring = Ring._all.get(number)
    if ring:
        ring.full()


class Digests:
    """Digests of tensors in the order of adding: of eager ones at once, of a graph's by ops in it.

    Attributes:
        values: of eager tensors.
    """

    def __init__(self):
        self.values: list[int] = []
        self._tensors: list = []
        self._of_state = 0

    def __len__(self) -> int:
        return len(self.values) + len(self._tensors)

    def add(self, tensor) -> None:
        if hasattr(tensor, "numpy"):
            self.values.append(of(tensor))
        else:
            self._tensors.append(tensor)

    def begin_state(self) -> None:
        """What is added from now on is read after the step."""
        self._of_state = len(self._tensors)

    def row(self, ring: Ring | None = None):
        """Return all of them as one int64 tensor of shape `(n,)`; in a graph each step writes it to `ring`, too."""
        import tensorflow as tf

        if not self._tensors:
            return tf.constant(self.values, tf.int64)
        columns = range(len(self._tensors))
        return self._op("BitforbitDigest", ring or Ring(len(self._tensors), lambda: None), columns)[0]

    def later(self, ring: Ring) -> None:
        """Let each step of a graph write its row to `ring`, what it depends on while the next one runs."""
        end = min(self._of_state, len(self._tensors) - 1)
        early: dict = {}  # columns of the same memory
        rest = []
        for column, tensor in enumerate(self._tensors):
            origin = _viewed(tensor)
            if column < end and _large(tensor) and origin.op.type not in LOOPS:
                early.setdefault(origin.ref(), []).append(column)
            else:
                rest.append(column)
        for columns in early.values():
            self._op("BitforbitDigestEarly", ring, columns, read=columns[:1])
        self._op("BitforbitDigestLater", ring, rest)

    def _op(self, name: str, ring: Ring, columns, read=None):
        """Make an op that digests the tensors of the columns `read`, else of all `columns`, for these of the row."""
        from tensorflow.python.framework import op_def_library

        tensors = [_bytes(self._tensors[column]) for column in read or columns]
        # What generated wrappers call; TensorFlow has none for an op that came through its C API.
        given = {"order": ring.order, "tensors": tensors, "stream": ring.number, "columns": [*columns]}
        return op_def_library._apply_op_helper(name, **given)[-1]


def _viewed(tensor):
    """Return the tensor of a graph whose bytes this one shows in another shape, or itself."""
    while tensor.op.type in VIEWS:
        tensor = tensor.op.inputs[0]
    return tensor


def _large(tensor) -> bool:
    """Whether a tensor has some KiB or more; a dimension that the graph leaves open is taken for a batch's."""
    if tensor.shape.rank is None or not tensor.dtype.size:
        return False
    return math.prod(size or BATCH for size in tensor.shape.as_list()) * tensor.dtype.size >= LARGE


def of(tensor) -> int:
    """Return the digest of an eager tensor, as a signed 64-bit integer."""
    import numpy as np

    array = np.ascontiguousarray(_bytes(tensor).numpy())
    return ctypes.c_int64(library().bfb_fingerprint(array.ctypes.data, array.nbytes)).value


def _bytes(tensor):
    """Strings are pointers: the 8 bytes of TensorFlow's own fingerprint (FarmHash64) stand for them."""
    import tensorflow as tf

    return tensor if tensor.dtype != tf.string else tf.raw_ops.Fingerprint(
        data=tf.reshape(tensor, [1, -1]), method="farmhash64"
    )  # fmt: skip

"""Where the digests of steps go: from the op's ring (see `native`), when it is full, into the trace's files.

The step itself gets no transfer and no Python; a loop in the graph, as of `steps_per_execution`, needs nothing else.
"""

import threading

from bitforbit.diagnosis.trace import native, sites, store
from bitforbit.errors import BitforbitError


class Stream:
    """The steps of one model (or of one optimizer in a custom loop).

    Args:
        writer: the stream's part of the trace on disk.
    """

    def __init__(self, writer: store.StreamWriter):
        self.writer = writer
        self._ring: native.Ring | None = None
        self._taken = 0
        self._error: BitforbitError | None = None
        self._lock = threading.Lock()

    @property
    def steps(self) -> int:
        """Steps so far, on disk or in the ring."""
        return self.writer.steps + (self._ring.steps - self._taken if self._ring else 0)

    def write(self, collector: sites.Collector, wanted: bool):
        """Write one step, eagerly or as an op of the graph in the making.

        Args:
            collector: the step's sites.
            wanted: return its digests as a tensor; a step that nobody asks for them need not wait for them.
        """
        import numpy as np
        import tensorflow as tf

        if tf.executing_eagerly():
            self.flush()
            self.writer.append(np.array([collector.digests.values]))
            return collector.digests.row()
        if self._ring is None:
            self._ring = native.Ring(len(collector.sites), self._full)
        if wanted:
            return collector.digests.row(self._ring)
        collector.digests.later(self._ring)
        return None

    def flush(self) -> None:
        """Take the steps that graphs have written since the last time.

        Raises:
            BitforbitError: they cannot be written, now or when the ring was full.
        """
        if self._ring is not None:
            self._ring.wait()
            self._take()

    def _take(self) -> None:
        with self._lock:
            rows = self._ring.take()
            self._taken += len(rows)
            self.check()
            if len(rows):
                self.writer.append(rows)

    def check(self) -> None:
        """Raise what went wrong in a thread where nobody could hear of it."""
        if self._error:
            raise self._error

    def close(self) -> None:
        if self._ring:
            self._ring.close()

    def _full(self) -> None:
        try:
            self._take()
        except BitforbitError as error:
            self._error = error

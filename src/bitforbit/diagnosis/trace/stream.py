"""Where the digests of steps go: a ring of rows in a variable, written by the graph, emptied by the host into a file.

A variable can be written from inside a loop, so `steps_per_execution` above 1 needs nothing else. The host reads it
once for many steps: the step itself gets no extra transfer.
"""

from bitforbit.diagnosis.trace import sites, store

ROWS = 64


class Stream:
    """The steps of one model (or of one optimizer in a custom loop).

    Args:
        writer: the stream's part of the trace on disk.
        steps: the most steps that one call from the host makes.
    """

    def __init__(self, writer: store.StreamWriter, steps: int = 1):
        import tensorflow as tf

        self.writer = writer
        self.rows = max(ROWS, 2 * steps)
        self.taken = 0
        self._expected = 0
        with tf.init_scope():
            self.ring = tf.Variable(tf.zeros([self.rows, len(writer.sites)], tf.int64), trainable=False, name="digests")
            self.count = tf.Variable(0, dtype=tf.int64, trainable=False, name="steps_digested")

    def write(self, fingerprints: list, alone: bool = False) -> None:
        """Write one step, eagerly or as ops of the graph in the making.

        Args:
            fingerprints: tensors of shape `(1, 8)`.
            alone: no host code runs between steps, as in a user's own `tf.function`: the graph calls it itself.
        """
        import tensorflow as tf

        row = sites.joined(fingerprints)
        if tf.executing_eagerly():
            self.flush()
            self.writer.append(row.numpy()[None])
            return
        index = (self.count.assign_add(1, read_value=True) - 1) % self.rows
        tf.raw_ops.ResourceScatterUpdate(resource=self.ring.handle, indices=[index], updates=row[tf.newaxis])
        if alone:
            full = tf.equal(index, self.rows - 1)
            tf.cond(full, lambda: tf.numpy_function(self._flushed, [], tf.int64), lambda: tf.constant(0, tf.int64))

    def _flushed(self):
        import numpy as np

        self.flush()
        return np.int64(0)

    def called(self, steps: int) -> None:
        """Note that the host has made a call of up to `steps` steps; empties the ring before it could run over."""
        self._expected += steps
        if self._expected + steps > self.rows:
            self.flush()

    def flush(self) -> None:
        """Take the rows that the graph has written since the last time."""
        import numpy as np

        self._expected = 0
        count = int(self.count.numpy())
        if count > self.taken:
            ring = self.ring.numpy()
            self.writer.append(ring[np.arange(self.taken, count) % self.rows])
            self.taken = count

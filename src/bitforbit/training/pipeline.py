"""Batches in an order that only the seed decides."""

import numpy as np

from bitforbit.training import seeds


def permutation(seed: int, epoch: int, size: int) -> np.ndarray:
    """Return the order of examples in one epoch, an int64 array of shape `(size,)`.

    Keys are raw 64-bit outputs of Philox (Salmon et al., SC 2011), sorted stably: integer arithmetic only, so no
    version of NumPy, libm or CPU can move an example.

    Args:
        seed: the run's seed.
        epoch: counted from 0.
        size: number of examples.
    """
    generator = np.random.Philox(key=seeds.stream(seed, f"shuffle/{epoch}", bits=128))
    return np.argsort(generator.random_raw(size), kind="stable")


def batches(x, y, seed: int, epochs: int, batch_size: int):
    """Return a `tf.data.Dataset` of `(x, y)` batches over all epochs, the last batch of each epoch as it falls.

    Args:
        x, y: arrays of shape `(n, ...)`, or nested dicts or tuples of such arrays.
        seed: the run's seed.
        epochs: number of epochs.
        batch_size: examples in a batch.
    """
    import tensorflow as tf

    x, y = tf.nest.map_structure(tf.convert_to_tensor, (x, y))
    size = int(tf.nest.flatten(x)[0].shape[0])

    # None of these has a branch or loop to convert, and converting takes longer than tracing them.
    @tf.autograph.experimental.do_not_convert
    def order(epoch):
        return tf.numpy_function(lambda number: permutation(seed, int(number), size), [epoch], tf.int64)

    @tf.autograph.experimental.do_not_convert
    def one_epoch(epoch):
        return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(order(epoch), (size,))).batch(batch_size)

    @tf.autograph.experimental.do_not_convert
    def gather(rows):
        return tf.nest.map_structure(lambda array: tf.gather(array, rows), (x, y))

    return tf.data.Dataset.range(epochs).flat_map(one_epoch).map(gather).prefetch(1)

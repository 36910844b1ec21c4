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


def in_order(x, y, batch_size: int):
    """Return a `tf.data.Dataset` of batches in the order of the examples, the last batch as it falls.

    Keras makes the same batches of arrays by functions, whose start, twice in each evaluation, takes longer than a
    small model takes to evaluate. It still does so where it converts an array.

    Args:
        x, y: as in `batches`; without `y` (`None`), what `predict` takes.
        batch_size: examples in a batch.
    """
    import tensorflow as tf
    from keras.src.trainers.data_adapters import data_adapter_utils, get_data_adapter

    arrays = data_adapter_utils.pack_x_y_sample_weight(x, y)
    if not _plain(arrays):
        return get_data_adapter(x=x, y=y, batch_size=batch_size, shuffle=False).get_tf_dataset()
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    return tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size).with_options(options)


def _plain(value) -> bool:
    """Return whether Keras takes these arrays as they are."""
    if type(value) in (dict, tuple):
        return bool(value) and all(map(_plain, value.values() if isinstance(value, dict) else value))
    return type(value) is np.ndarray and value.ndim > 0 and (value.dtype == np.float32 or value.dtype.kind in "iub")

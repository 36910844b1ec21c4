"""Computations that show what a pin is for: what threads, caches, instruction sets and time decide without it."""

import numpy as np

from hosts.inputs import train, values


def _sums():
    import tensorflow as tf

    big, tall = values((1 << 20,), 9), values((4096, 96), 10)
    yield "sum of 2^20", tf.reduce_sum(big)
    yield "column sums of 4096 x 96", tf.reduce_sum(tall, axis=0)
    yield "product 96 x 1500 x 64", tf.linalg.matmul(values((96, 1500), 11), values((1500, 64), 12))
    kernel, image = values((3, 3, 48, 32), 13), values((4, 12, 12, 48), 14)
    yield "convolution", tf.nn.conv2d(image, kernel, 1, "SAME")
    back = values((4, 12, 12, 32), 15)
    yield "its filter's gradient", tf.raw_ops.Conv2DBackpropFilter(
        input=image, filter_sizes=kernel.shape, out_backprop=back, strides=[1, 1, 1, 1], padding="SAME")  # fmt: skip
    yield "its input's gradient", tf.raw_ops.Conv2DBackpropInput(
        input_sizes=image.shape, filter=kernel, out_backprop=back, strides=[1, 1, 1, 1], padding="SAME")  # fmt: skip
    yield "QR of 96 x 64", tf.linalg.qr(values((96, 64), 16))[0]


def _cached():
    """Sizes at which the caches of common CPUs lead to other blocks."""
    import keras
    import tensorflow as tf

    wide = keras.Sequential([keras.Input((500,)), keras.layers.Dense(64), keras.layers.Dense(10)])
    yield from train(wide, "mse", "adam", values((32, 500), 27), values((32, 10), 28))
    yield "product 32 x 500 x 64", tf.linalg.matmul(values((32, 500), 29), values((500, 64), 30))
    image, back = values((32, 8, 8, 1), 31), values((32, 8, 8, 32), 32)
    yield "convolution's filter gradient", tf.raw_ops.Conv2DBackpropFilter(
        input=image, filter_sizes=(3, 3, 1, 32), out_backprop=back, strides=[1, 1, 1, 1], padding="SAME")  # fmt: skip
    yield "QR of 128 x 128", tf.linalg.qr(values((128, 128), 33))[0]


def _interleave():
    import tensorflow as tf

    rows = tf.data.Dataset.range(16).interleave(lambda i: tf.data.Dataset.from_tensors(i).repeat(4))  # noqa: BFB503 it is what is probed
    yield "order of interleaved elements", np.array([int(i) for i in rows])


def _order_of_map():
    """The first element takes longest: where order is by time, it comes late."""
    import time

    import tensorflow as tf

    def slow(i):
        return tf.numpy_function(lambda v: (time.sleep(0.5 if v == 0 else 0.0), v)[1], [i], tf.int64)

    rows = tf.data.Dataset.range(8).map(slow, num_parallel_calls=2, deterministic=False)  # noqa: BFB501 it is what is probed
    yield "order of mapped elements", np.array([int(i) for i in rows])


def _scatter():
    """Many updates of one row: their order is that of the threads."""
    import tensorflow as tf

    index = (np.arange(1 << 16) * 7 % 5).astype(np.int32)
    yield "unsorted segment sum", tf.math.unsorted_segment_sum(values((1 << 16, 8), 17), index, 5)
    yield "scatter of sums", tf.scatter_nd(index[:, None], values((1 << 16, 8), 17), [5, 8])


def _deadline():
    """A quotient by a square root, as Grappler leaves it or rewrites it."""
    import tensorflow as tf

    quotient = tf.function(lambda a, b: a / tf.sqrt(b))
    yield "a / sqrt(b)", quotient(values((64, 64), 18), values((64, 64), 19, 0.01, 40))


def _xla(*names):
    """Functions that a user compiles by XLA himself: Keras does not, while op determinism is on."""
    import tensorflow as tf

    x, positive = values((64, 500), 20), values((64, 500), 21, 0.01, 40)
    calls = {
        "rsqrt": lambda v: tf.math.rsqrt(v),
        "normalization": lambda v: v * tf.math.rsqrt(tf.math.reduce_variance(v, 1, True)),
        "softmax": lambda v: tf.nn.softmax(v),
        "exp": lambda v: tf.exp(-v),
        "tanh of a product": lambda v: tf.tanh(tf.linalg.matmul(v, v, transpose_b=True)),
        "sum": lambda v: tf.reduce_sum(v, 0),
    }
    for name in names:
        compiled = tf.function(calls[name], jit_compile=True, autograph=False)  # noqa: BFB604 XLA on purpose
        yield name, compiled(positive if name in ("rsqrt", "exp") else x)


def _keras_defaults():
    import keras

    yield "keras.backend.epsilon", np.array([keras.config.epsilon()])
    yield "keras.backend.floatx", np.frombuffer(keras.config.floatx().encode(), np.uint8)


def _denormals():
    """Values on both sides of the smallest normal float32: eager and in functions, small and split among threads."""
    import keras
    import tensorflow as tf

    calls = {
        "product": lambda a, b: a * b,
        "quotient": lambda a, b: a / (b * 1e38),
        "product of matrices": lambda a, b: tf.linalg.matmul(tf.reshape(a, [64, -1]), tf.reshape(b, [-1, 64])),
        "sum": lambda a, b: tf.reduce_sum(tf.reshape(a * b, [64, -1]), 0),
        "root": lambda a, b: tf.sqrt(a * b),
        "softmax": lambda a, b: tf.nn.softmax(tf.reshape(a * -1e22, [64, -1])),
        "sigmoid": lambda a, b: tf.sigmoid(a * b - 90.0),
        "power": lambda a, b: tf.pow(a, 1.9),
    }
    for size in (1 << 10, 1 << 16):
        a, b = (values((size,), seed, 0.5, 1.0) * np.exp2(-np.float32(43 + np.arange(size) % 40)) for seed in (23, 24))
        for name, call in calls.items():
            yield f"{name} of {size}, eager", call(tf.constant(a), tf.constant(b))
            yield f"{name} of {size}, function", tf.function(call)(a, b)
    model = keras.Sequential([keras.Input((12, 16)), keras.layers.LSTM(16), keras.layers.Dense(4)])
    x = (values((16, 12, 16), 25) * np.float32(2.0**-60)).astype(np.float32)
    yield from train(model, "mse", "adam", x, np.zeros((16, 4), np.float32))
    for variable in model.optimizer.variables:
        yield f"Adam's {variable.path}", np.asarray(variable)


PIN_PROBES = {
    "sums": _sums,
    "blocks": _cached,
    "interleave": _interleave,
    "order of map": _order_of_map,
    "scatter": _scatter,
    "grappler": _deadline,
    "XLA with rsqrt": lambda: _xla("rsqrt", "normalization"),
    "XLA": lambda: _xla("softmax", "exp", "tanh of a product", "sum"),
    "keras defaults": _keras_defaults,
    "denormals": _denormals,
}

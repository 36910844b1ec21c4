"""Experiments that reach one op of each verdict."""

import pytest

EXPERIMENT = """
from dataclasses import dataclass
import numpy as np
from bitforbit.training.experiment import Data

@dataclass(frozen=True)
class Config:
    epochs: int = 1
    batch_size: int = 4
    kind: str = "plain"
    eager: bool = False

def load_data(config):
    x = (np.arange(8 * 3, dtype="float32").reshape(8, 3) % 7) / 8
    y = x[:, :1] * 2
    return Data(x, y, x, y)

def build_model(config):
    import keras, tensorflow as tf

    class Odd(keras.layers.Layer):
        def call(self, x):
            if config.kind == "hue":
                return tf.image.rgb_to_hsv(x[:, None, None, :])[:, 0, 0, :]
            if config.kind == "bessel":
                return x + tf.math.special.bessel_i0(x)
            if config.kind == "complex":
                return x + tf.math.real(tf.math.log(tf.complex(x + 1.0, x)))
            if config.kind == "root":
                return x / tf.sqrt(x + 1.0)
            if config.kind == "unproven":
                doubled = tf.numpy_function(lambda a: a * 2, [x], tf.float32)
                return x + tf.stop_gradient(tf.ensure_shape(doubled, x.shape))
            if config.kind == "loop":
                step = lambda i, a: (i + 1, a + tf.math.special.bessel_i0(a))
                return tf.while_loop(lambda i, a: i < 2, step, [0, x])[1]
            return keras.ops.tanh(x)

    layers = [keras.Input((3,)), keras.layers.LayerNormalization(name="norm"), Odd(name="odd"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse", jit_compile=False, run_eagerly=config.eager)
    return model
"""


@pytest.fixture(scope="session")
def odd(tmp_path_factory):
    """The path of an experiment whose layer `odd` holds an op of `--set kind=...`."""
    path = tmp_path_factory.mktemp("odd") / "odd.py"
    path.write_text(EXPERIMENT)
    return path

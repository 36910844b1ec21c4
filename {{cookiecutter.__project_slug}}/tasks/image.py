"""Read handwritten digits: 1797 real images of 8 x 8 pixels that scikit-learn brings along.

This is the file to edit first. bitforbit calls `load_data` and `build_model` with a `Config`, shuffles, trains,
evaluates on the test part, and publishes the digests. Both must give the same for the same config: no clock, no
randomness without a seed, no order of a folder.
"""

from __future__ import annotations

from dataclasses import dataclass

from bitforbit.training.experiment import Data

# What `make train` must reach with the config below; printed beside the metric. Yours will be another.
EXPECTED = {"metric": "accuracy", "at_least": 0.95}


@dataclass(frozen=True)
class Config:
    """What `--set key=value` can change. `epochs` and `batch_size` must be there; the rest is yours."""

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 0.002
    filters: tuple[int, ...] = (16, 32)
    dropout: float = 0.3


def load_data(config: Config) -> Data:
    """Return images, float32 of shape `(n, 8, 8, 1)` in 0 to 1, and labels, int32 of shape `(n,)`, in a fixed split."""
    import numpy as np
    from sklearn.datasets import load_digits

    digits = load_digits()
    # Pixels are 0 to 16, so a sixteenth of each is exact: no rounding, on any machine.
    x = (digits.images[..., np.newaxis] / 16).astype("float32")
    y = digits.target.astype("int32")
    # Every fifth image is held out. The file's order is fixed, so the split is too.
    test = np.arange(len(x)) % 5 == 0
    return Data(x[~test], y[~test], x[test], y[test])


def build_model(config: Config):
    """Return the compiled model; input of shape `(batch, 8, 8, 1)`, output: probabilities of shape `(batch, 10)`."""
    import keras
    from keras import layers

    x = image = keras.Input((8, 8, 1))
    for index, filters in enumerate(config.filters):
        x = layers.Conv2D(filters, 3, strides=1 if index == 0 else 2, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(config.dropout)(x)
    model = keras.Model(image, layers.Dense(10, activation="softmax")(x), name="image")
    model.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # XLA compiles for the CPU that it meets.
    )
    return model

"""Predict how diabetes progresses in a year from ten measurements: 442 real patients that scikit-learn brings along.

This is the file to edit first. bitforbit calls `load_data` and `build_model` with a `Config`, shuffles, trains,
evaluates on the test part, and publishes the digests. Both must give the same for the same config: no clock, no
randomness without a seed, no order of a folder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bitforbit.training.experiment import Data

# What `make train` must reach with the config below; printed beside the metric. Yours will be another.
# The unit is the standard deviation of the training targets.
EXPECTED = {"metric": "root_mean_squared_error", "at_most": 0.8}


@dataclass(frozen=True)
class Config:
    """What `--set key=value` can change. `epochs` and `batch_size` must be there; the rest is yours."""

    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 0.002
    weight_decay: float = 0.01
    hidden: tuple[int, ...] = (32, 16)
    dropout: float = 0.2


def load_data(config: Config) -> Data:
    """Return features, float32 of shape `(n, 10)`, and targets, float32 of shape `(n, 1)`, in a fixed split.

    Both are shifted and scaled to mean 0 and standard deviation 1 over the training part.
    """
    import numpy as np
    from sklearn.datasets import load_diabetes

    table = load_diabetes(scaled=False)
    x, y = table.data, table.target[:, np.newaxis]
    # Every fifth patient is held out. The file's order is fixed, so the split is too.
    test = np.arange(len(x)) % 5 == 0
    return Data(
        scale(x[~test], x[~test]), scale(y[~test], y[~test]), scale(x[test], x[~test]), scale(y[test], y[~test])
    )


def scale(values, train):
    """Return `values` as float32, each column shifted and scaled by the mean and deviation of the same of `train`."""
    import numpy as np

    means, deviations = [], []
    for column in train.T:
        # math.fsum rounds once, at the end: its sum does not depend on an order or on the CPU.
        means.append(math.fsum(column) / len(column))
        deviations.append(math.sqrt(math.fsum((column - means[-1]) ** 2) / len(column)))
    return ((values - np.array(means)) / np.array(deviations)).astype("float32")


def build_model(config: Config):
    """Return the compiled model; input of shape `(batch, 10)`, output of shape `(batch, 1)`."""
    import keras
    from keras import layers

    x = features = keras.Input((10,))
    for units in config.hidden:
        x = layers.Dense(units)(x)
        x = layers.LayerNormalization()(x)
        x = layers.Activation("gelu")(x)
        x = layers.Dropout(config.dropout)(x)
    model = keras.Model(features, layers.Dense(1)(x), name="tabular")
    model.compile(
        optimizer=keras.optimizers.AdamW(config.learning_rate, weight_decay=config.weight_decay),
        loss="mean_squared_error",
        metrics=["root_mean_squared_error"],
        jit_compile=False,  # XLA compiles for the CPU that it meets.
    )
    return model

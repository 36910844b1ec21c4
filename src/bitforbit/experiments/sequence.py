"""The classic tutorial on reproducible results in Keras: learn x -> x + 0.1 from ten numbers.

A multilayer perceptron with one input, ten hidden units and one output, linear as in the tutorial, sees 0.0, 0.1, ...
0.9 and learns 0.1, 0.2, ... 1.0. There is no data file, and no held-out part: as in the tutorial, the score is the
loss on the ten pairs it was trained on, so it says how far training went, not how well it generalises. The score after
training depends on the seed in every digit, which is what the tutorial shows; the same seed gives the same score.

Expected: the mean squared error (`loss`) is at most 0.001 after 100 epochs of one step each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bitforbit.training.experiment import Data

if TYPE_CHECKING:
    import keras

EXPECTED = {"metric": "loss", "at_most": 0.001}


@dataclass(frozen=True)
class Config:
    """What can be set.

    Attributes:
        epochs: passes over the ten pairs.
        batch_size: pairs per step; by default all, as in the tutorial.
        learning_rate: of Adam. Ten times Adam's own default: 100 steps then do what the tutorial takes 1000 for.
        hidden: units of the hidden layer.
        length: how many pairs, spaced by 0.1 from 0.0.
    """

    epochs: int = 100
    batch_size: int = 10
    learning_rate: float = 0.01
    hidden: int = 10
    length: int = 10


def load_data(config: Config) -> Data:
    """Return the pairs as float32 arrays of shape `(length, 1)`; the test part is the training part."""
    import numpy as np

    # Each number is one rounded division of integers: adding 0.1 again and again would pile up errors.
    x = np.array([[i / 10] for i in range(config.length)], dtype="float32")
    y = np.array([[(i + 1) / 10] for i in range(config.length)], dtype="float32")
    return Data(x, y, x, y)


def build_model(config: Config) -> keras.Model:
    """Return the compiled 1-10-1 perceptron; input of shape `(batch, 1)`, output of shape `(batch, 1)`."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [keras.Input((1,)), layers.Dense(config.hidden), layers.Dense(1)],
        name="sequence",
    )
    model.compile(optimizer=keras.optimizers.Adam(config.learning_rate), loss="mean_squared_error", jit_compile=False)
    return model

"""An experiment with two inputs and two outputs by name, whose data is arithmetic: for tests of ensembles."""

from dataclasses import dataclass

import numpy as np

from bitforbit.training.experiment import Data


@dataclass(frozen=True)
class Config:
    epochs: int = 1
    batch_size: int = 32
    form: str = "dict"


def load_data(config: Config) -> Data:
    grid = np.arange(744, dtype="float32").reshape(124, 6) % 7 / 8
    x = {"left": grid[:, :4], "right": grid[:, 4:]}
    kind = (np.arange(124) % 3).astype("int32")
    amount = (grid.sum(axis=1, keepdims=True) / 4).astype("float32")
    y = {"amount": amount, "kind": kind} if config.form == "dict" else (kind, amount)
    parts = [slice(0, 60), slice(60, 124)]

    def cut(value, part):
        if isinstance(value, dict):
            return {name: array[part] for name, array in value.items()}
        return tuple(array[part] for array in value) if isinstance(value, tuple) else value[part]

    return Data(cut(x, parts[0]), cut(y, parts[0]), cut(x, parts[1]), cut(y, parts[1]))


def build_model(config: Config):
    import keras
    from keras import layers

    left, right = keras.Input((4,), name="left"), keras.Input((2,), name="right")
    hidden = layers.Dense(6, activation="relu")(layers.Concatenate()([left, right]))
    kind = layers.Dense(3, activation="softmax", name="kind")(hidden)
    amount = layers.Dense(1, name="amount")(hidden)
    outputs = {"kind": kind, "amount": amount}
    losses, metrics = {"kind": "sparse_categorical_crossentropy", "amount": "mse"}, {"kind": ["accuracy"]}
    if config.form == "list":
        outputs, losses, metrics = [kind, amount], list(losses.values()), [["accuracy"], ["mae"]]
    model = keras.Model({"left": left, "right": right}, outputs)
    model.compile(optimizer="adam", loss=losses, metrics=metrics, jit_compile=False)
    return model

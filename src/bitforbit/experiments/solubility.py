"""Predict how well a molecule dissolves in water from its structure: the decimal logarithm of mol per litre.

Data: the 1282 molecules of RDKit's solubility set, in the split that its two SDF files give. The structure is
described by 30 counts of atoms, bonds, rings and groups; a perceptron with layer normalization and exact GELU does the
rest. The held-out values spread by 2.02 log units around their mean.

Expected: the root mean squared error (`root_mean_squared_error`) on the held-out molecules is at most 0.7 log units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bitforbit import datasets
from bitforbit.experiments._molecules import Graph, Molecule, describe, parse_sdf
from bitforbit.training.experiment import Data

if TYPE_CHECKING:
    import keras
    import numpy as np

EXPECTED = {"metric": "root_mean_squared_error", "at_most": 0.7}

FEATURES = tuple(describe(Graph(Molecule([], [], [], {}))))


@dataclass(frozen=True)
class Config:
    """What can be set.

    Attributes:
        epochs: passes over the training molecules.
        batch_size: molecules per step.
        learning_rate: of AdamW.
        weight_decay: of AdamW.
        hidden: units of each hidden layer.
        dropout: share of units dropped after each hidden layer.
    """

    epochs: int = 40
    batch_size: int = 32
    learning_rate: float = 0.001
    weight_decay: float = 0.01
    hidden: tuple[int, ...] = (128, 64)
    dropout: float = 0.2


def load_data(config: Config) -> Data:
    """Return features, float32 of shape `(n, 30)`, and solubilities, float32 of shape `(n, 1)`.

    Four training molecules stand in the test file too, up to stereochemistry, and are left out of training. Features
    are scaled to mean 0 and standard deviation 1 over the training part.
    """
    train, test = (parse_sdf(datasets.read(f"solubility.{part}.sdf").decode()) for part in ("train", "test"))
    graphs = {id(molecule): Graph(molecule) for molecule in train + test}
    held_out = {graphs[id(molecule)].key() for molecule in test}
    train = [molecule for molecule in train if graphs[id(molecule)].key() not in held_out]
    counts = [[list(describe(graphs[id(molecule)]).values()) for molecule in part] for part in (train, test)]
    x_train, x_test = standardise(*counts)
    return Data(x_train, _solubility(train), x_test, _solubility(test))


def standardise(train: list[list[int]], test: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return both as float32 arrays of their shape, columns shifted and scaled by those of `train`.

    With n rows, sum s and sum of squares q, (x - mean) / deviation is (n x - s) / sqrt(n q - s s): integers up to one
    square root, one division and the step to float32, which IEEE 754 rounds alike on every machine.
    """
    import numpy as np

    n = len(train)
    columns = [(sum(column), sum(value * value for value in column)) for column in zip(*train, strict=True)]
    scales = [(s, math.sqrt(n * q - s * s) or 1.0) for s, q in columns]

    def scaled(rows: list[list[int]]) -> np.ndarray:
        values = [[(n * x - s) / scale for x, (s, scale) in zip(row, scales, strict=True)] for row in rows]
        return np.array(values, dtype="float32")

    return scaled(train), scaled(test)


def _solubility(molecules: list[Molecule]) -> np.ndarray:
    import numpy as np

    return np.array([[float(molecule.fields["sol"])] for molecule in molecules], dtype="float32")


def build_model(config: Config) -> keras.Model:
    """Return the compiled perceptron; input of shape `(batch, 30)`, output of shape `(batch, 1)`."""
    import keras
    from keras import layers

    x = features = keras.Input((len(FEATURES),))
    for units in config.hidden:
        x = layers.Dense(units)(x)
        x = layers.LayerNormalization()(x)
        x = layers.Activation("gelu")(x)
        x = layers.Dropout(config.dropout)(x)
    model = keras.Model(features, layers.Dense(1)(x), name="solubility")
    model.compile(
        optimizer=keras.optimizers.AdamW(config.learning_rate, weight_decay=config.weight_decay),
        loss="mean_squared_error",
        metrics=["root_mean_squared_error"],
        jit_compile=False,
    )
    return model

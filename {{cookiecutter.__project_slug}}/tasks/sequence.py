"""Is a short protein antimicrobial? Real peptides of APD3 and UniProt, fetched by hash, told apart by an LSTM.

This is the file to edit first. bitforbit calls `load_data` and `build_model` with a `Config`, shuffles, trains,
evaluates on the test part, and publishes the digests. Both must give the same for the same config: no clock, no
randomness without a seed, no order of a folder.
"""

from __future__ import annotations

from dataclasses import dataclass

from bitforbit import datasets
from bitforbit.training.experiment import Data

# What `make train` must reach with the config below; printed beside the metric. Yours will be another.
EXPECTED = {"metric": "accuracy", "at_least": 0.8}

# The twenty amino acids; a residue's number is its place here, from 1. 0 is padding.
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"


@dataclass(frozen=True)
class Config:
    """What `--set key=value` can change. `epochs` and `batch_size` must be there; the rest is yours."""

    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 0.005
    length: int = 50
    embedding: int = 16
    units: int = 32
    dropout: float = 0.1


def load_data(config: Config) -> Data:
    """Return residue numbers, int32 of shape `(n, length)`, and labels, float32 of shape `(n, 1)`, in a fixed split."""
    import numpy as np

    # `datasets.read` hands out the file's bytes only where their SHA-256 is the recorded one.
    rows = [line.split(",") for line in datasets.read("AMPvsUniProt.csv").decode("ascii").splitlines()[1:]]
    # A dict keeps the order of first appearance; a set would have one of its own in each process.
    labels: dict[str, set[str]] = {}
    for sequence, label in rows:
        labels.setdefault(sequence.strip(), set()).add(label)
    kept = [sequence for sequence, found in labels.items() if len(found) == 1]  # 22 stand there with both labels
    x = np.zeros((len(kept), config.length), dtype="int32")
    for row, sequence in zip(x, kept, strict=True):
        numbers = [RESIDUES.index(residue) + 1 for residue in sequence[: config.length]]
        row[: len(numbers)] = numbers
    y = np.array([[int(label) for label in labels[sequence]] for sequence in kept], dtype="float32")
    # Every fifth sequence is held out. The file's order is fixed, so the split is too.
    test = np.arange(len(x)) % 5 == 0
    return Data(x[~test], y[~test], x[test], y[test])


def build_model(config: Config):
    """Return the compiled model; input of shape `(batch, length)`, output: probabilities of shape `(batch, 1)`."""
    import keras
    from keras import layers

    residues = keras.Input((config.length,), dtype="int32")
    # The mask of the padding travels with the embedding into the LSTM and the mean.
    x = layers.Embedding(len(RESIDUES) + 1, config.embedding, mask_zero=True)(residues)
    x = layers.LSTM(config.units, return_sequences=True)(x)
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dropout(config.dropout)(x)
    # Behind a bare sigmoid Keras takes the loss from its input, with a log1p of the C library, whose versions round
    # differently. Behind a reshape it takes TensorFlow's own logarithm of the probability.
    probability = layers.Reshape((1,))(layers.Dense(1, activation="sigmoid")(x))
    model = keras.Model(residues, probability, name="sequence")
    model.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate),
        loss="binary_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # XLA compiles for the CPU that it meets.
    )
    return model

"""Tell antimicrobial peptides from other short proteins by their sequence alone.

Data: modlAMP's 2600 peptides of the antimicrobial peptide database APD3 and 2600 sequences of 10 to 50 residues drawn
from UniProt. Of the 5200 rows, 558 repeat an earlier sequence and are dropped, and so are the 22 sequences that carry
both labels: 2540 antimicrobial and 2080 other sequences stay. An LSTM reads the embedded residues, attention looks back
over all that it has read, and the mean over the residues decides.

Expected: `accuracy` on the held-out sequences is at least 0.83; the area under the ROC curve, `auc`, is near
0.95.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bitforbit import datasets
from bitforbit.training.experiment import Data

if TYPE_CHECKING:
    import keras
    import numpy as np

EXPECTED = {"metric": "accuracy", "at_least": 0.83}

# The twenty amino acids; a residue's number is its place here, from 1. 0 is padding.
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"


@dataclass(frozen=True)
class Config:
    """What can be set.

    Attributes:
        epochs: passes over the training sequences.
        batch_size: sequences per step.
        learning_rate: of Adam.
        length: residues that the model sees, from the start. 50 by default: only antimicrobial sequences are longer, so
            a longer window would show the label by its length.
        embedding: numbers per residue.
        units: of the LSTM.
        heads: of the attention; `units` is divided among them.
        dropout: share of numbers dropped after the embedding and before the output.
    """

    epochs: int = 12
    batch_size: int = 64
    learning_rate: float = 0.003
    length: int = 50
    embedding: int = 32
    units: int = 32
    heads: int = 2
    dropout: float = 0.1


def parse(text: str) -> dict[str, int]:
    """Return the label of each sequence, 1 for antimicrobial, in the order of first appearance.

    The first line is a header; a sequence that stands there with both labels is left out.
    """
    labels: dict[str, set[int]] = {}
    for line in text.splitlines()[1:]:
        sequence, label = line.split(",")
        labels.setdefault(sequence.strip(), set()).add(int(label))
    return {sequence: found.pop() for sequence, found in labels.items() if len(found) == 1}


def load_data(config: Config) -> Data:
    """Return residue numbers, int32 of shape `(n, length)` padded with 0, and labels, float32 of shape `(n, 1)`.

    One sequence in five is held out: those whose SHA-256, read as a number, divides by five.
    """
    labels = parse(datasets.read("AMPvsUniProt.csv").decode("ascii"))
    held_out = {s for s in labels if int.from_bytes(hashlib.sha256(s.encode()).digest(), "big") % 5 == 0}
    train, test = ([s for s in labels if (s in held_out) is part] for part in (False, True))
    return Data(*_arrays(train, labels, config.length), *_arrays(test, labels, config.length))


def _arrays(sequences: list[str], labels: dict[str, int], length: int) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    x = np.zeros((len(sequences), length), dtype="int32")
    for row, sequence in zip(x, sequences, strict=True):
        numbers = [RESIDUES.index(residue) + 1 for residue in sequence[:length]]
        row[: len(numbers)] = numbers
    return x, np.array([[labels[sequence]] for sequence in sequences], dtype="float32")


def build_model(config: Config) -> keras.Model:
    """Return the compiled network; input of shape `(batch, length)`, output: probabilities of shape `(batch, 1)`."""
    import keras
    from keras import layers

    residues = keras.Input((config.length,), dtype="int32")
    # The mask of the padding travels with the embedding into the LSTM, the attention and the mean.
    x = layers.Embedding(len(RESIDUES) + 1, config.embedding, mask_zero=True)(residues)
    x = layers.Dropout(config.dropout)(x)
    x = layers.LSTM(config.units, return_sequences=True)(x)
    x = layers.Add()([x, layers.MultiHeadAttention(config.heads, config.units // config.heads)(x, x)])
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dropout(config.dropout)(x)
    # Behind a bare sigmoid Keras would go back to its input for the loss, with a log1p of the C library, whose versions
    # round differently. From the probability it takes a logarithm of TensorFlow's own.
    probability = layers.Reshape((1,))(layers.Dense(1, activation="sigmoid")(x))
    model = keras.Model(residues, probability, name="peptides")
    model.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate),
        loss="binary_crossentropy",
        metrics=["accuracy", keras.metrics.AUC(name="auc")],
        jit_compile=False,
    )
    return model

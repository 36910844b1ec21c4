"""Read handwritten digits with a small convolutional network.

Data: the 1797 real images of 8 x 8 pixels that scikit-learn brings along (`sklearn.datasets.load_digits`), a copy of
the test part of "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, UCI repository, 1998).

Expected: `accuracy` on the held-out images is at least 0.965.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bitforbit import datasets
from bitforbit.errors import DataError
from bitforbit.training.experiment import Data

if TYPE_CHECKING:
    import keras

EXPECTED = {"metric": "accuracy", "at_least": 0.965}

# Of the table itself, not of its compressed file.
SHA256 = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"


@dataclass(frozen=True)
class Config:
    """What can be set.

    Attributes:
        epochs: passes over the training images.
        batch_size: images per step.
        learning_rate: of Adam.
        filters: channels of each convolution; every one after the first halves the image.
        hidden: units of the dense layer.
        dropout: share of units dropped before each dense layer.
    """

    epochs: int = 15
    batch_size: int = 32
    learning_rate: float = 0.002
    filters: tuple[int, ...] = (32, 64)
    hidden: int = 64
    dropout: float = 0.4


def load_data(config: Config) -> Data:
    """Return images, float32 of shape `(n, 8, 8, 1)` in 0 to 1, and labels, int32 of shape `(n,)`, by a fixed split.

    One image in five is held out: those whose SHA-256 over the 64 pixel bytes, read as a number, divides by five.
    """
    import numpy as np

    parts: dict[bool, tuple[list[bytes], list[int]]] = {False: ([], []), True: ([], [])}
    for line in _read().decode("ascii").splitlines():
        *pixels, label = (int(value) for value in line.split(","))
        image = bytes(pixels)
        images, labels = parts[int.from_bytes(hashlib.sha256(image).digest(), "big") % 5 == 0]
        images.append(image)
        labels.append(label)

    def arrays(held_out: bool) -> tuple[np.ndarray, np.ndarray]:
        images, labels = parts[held_out]
        x = np.frombuffer(b"".join(images), dtype="uint8").reshape(-1, 8, 8, 1)
        # Pixels are 0 to 16: a sixteenth of each is exact.
        return x.astype("float32") / np.float32(16), np.array(labels, dtype="int32")

    return Data(*arrays(False), *arrays(True))


def _read() -> bytes:
    """Return scikit-learn's table, a line `pixel,...,pixel,label` per image, without waiting for its import."""
    spec = importlib.util.find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("expected scikit-learn, which brings the digits, found no such package. Next step: make setup.")
    path = Path(spec.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
    next_step = "Next step: install the scikit-learn of requirements.lock anew."
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read the digits in {path}: {error}. {next_step}") from None
    return datasets.check(content, SHA256, path, next_step)


def build_model(config: Config) -> keras.Model:
    """Return the compiled network; input of shape `(batch, 8, 8, 1)`, output: probabilities of shape `(batch, 10)`."""
    import keras
    from keras import layers

    image = keras.Input((8, 8, 1))
    x = image
    for index, filters in enumerate(config.filters):
        x = layers.Conv2D(filters, 3, strides=1 if index == 0 else 2, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(config.dropout)(x)
    x = layers.Dense(config.hidden, activation="relu")(x)
    x = layers.Dropout(config.dropout)(x)
    model = keras.Model(image, layers.Dense(10, activation="softmax")(x), name="digits")
    model.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    return model

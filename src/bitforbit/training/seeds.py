"""One seed, many independent streams: each derived by SHA-256 of a label.

Adding small numbers to a seed (`seed + rank`) makes streams of neighbouring replicates collide; a hash of a label does
not, and a new use of randomness moves no other.
"""

import hashlib

from bitforbit.errors import UsageError

LARGEST = 2**64 - 1


def parse(text: str) -> int:
    """Return the seed that `text` names.

    Raises:
        UsageError: it is not an integer from 0 to 2^64 - 1.
    """
    try:
        seed = int(text)
    except ValueError:
        seed = -1
    if not 0 <= seed <= LARGEST:
        raise UsageError(f"expected a seed from 0 to {LARGEST}, received {text!r}. Next step: --seed 1")
    return seed


def stream(seed: int, label: str, bits: int = 64) -> int:
    """Return the seed of one stream.

    Args:
        seed: the run's seed, 0 to 2^64 - 1.
        label: what the stream is for, as `initialization` or `shuffle/3`.
        bits: size of the result, at most 256. Keras and NumPy's legacy generator take 32.
    """
    hashed = hashlib.sha256(b"bitforbit seed 1\0" + seed.to_bytes(8, "little") + label.encode()).digest()
    return int.from_bytes(hashed, "little") % 2**bits


def seed_globals(seed: int, label: str) -> None:
    """Seed the global generators of Python, NumPy, TensorFlow and Keras from one stream."""
    import keras

    keras.utils.set_random_seed(stream(seed, label, bits=32))


def seed_layers(model, seed: int) -> None:
    """Give every random layer of `model` its own stream, named by where it stands and not by when it was made."""
    for index, layer in enumerate(model._flatten_layers()):
        for number, generator in enumerate(getattr(layer, "_seed_generators", ())):
            generator.state.assign([stream(seed, f"layer/{index}/{number}", bits=31), 0])

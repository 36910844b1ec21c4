"""What the probes start from, and how a model is trained in one.

Inputs are integers scaled by powers of two, so that no host can have others.
"""

import numpy as np

STEPS = 3


def values(shape, seed, low=-1.0, high=1.0):
    """Return float32 of `shape` in `low` to `high`, multiples of 2^-20 of the span."""
    count = int(np.prod(shape))
    numbers = (np.arange(count, dtype=np.uint64) + np.uint64(seed * 7919 + 1)) * np.uint64(2654435761) >> np.uint64(8)
    part = (numbers % np.uint64(1 << 20)).astype(np.float64) / (1 << 20)
    return (low + part * (high - low)).astype(np.float32).reshape(shape)


def train(model, loss, optimizer, x, y):
    """Train `STEPS` batches; yield the weights after each, then the predictions."""
    model.compile(optimizer=optimizer, loss=loss, jit_compile=False)
    yield from weights(model, 0)
    for step in range(STEPS):
        model.train_on_batch(x, y)
        yield from weights(model, step + 1)
    yield "predictions", model.predict_on_batch(x)


def weights(model, step):
    for variable in model.weights:
        yield f"step {step}, {variable.path}", variable.numpy()

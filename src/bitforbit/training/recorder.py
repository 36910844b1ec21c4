"""Watch a `fit`: digest every epoch, keep the last good weights, stop at the first value that is not finite."""

import time

import keras
import numpy as np

from bitforbit.errors import DivergedError
from bitforbit.evidence import digests


class Recorder(keras.callbacks.Callback):
    """Collects the evidence of a training run.

    Args:
        report: called with `(epoch, logs)` after each epoch, epoch counted from 1.
        keep_arrays: keep a copy of all weights of every epoch, for small reference models.

    Attributes:
        epochs: one dict for each finished epoch: `epoch`, `logs`, `weights` and `state` roots.
        rows: `(epoch, path, sha256)` for each weight after each epoch; epoch 0 is before training.
        good_weights: the model's arrays after the last good epoch.
        arrays: with `keep_arrays`, `path -> array` for each epoch, number 0 before training; else `None`.
        first_validation: seconds on the monotonic clock after the first epoch's steps, or `None`.
        epoch_ends: seconds on the monotonic clock after each epoch's evidence.
    """

    def __init__(self, report, keep_arrays: bool = False):
        super().__init__()
        self.report = report
        self.arrays: list[dict[str, np.ndarray]] | None = [] if keep_arrays else None
        self.epochs: list[dict] = []
        self.rows: list[tuple[int, str, str]] = []
        self.good_weights: list[np.ndarray] = []
        self.first_validation: float | None = None
        self.epoch_ends: list[float] = []

    def on_train_begin(self, logs=None):
        self._keep(0)

    def on_test_begin(self, logs=None):
        if self.first_validation is None:
            self.first_validation = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        numbers = {name: float(value) for name, value in (logs or {}).items()}
        for name, value in numbers.items():
            if not np.isfinite(value):
                self._stop(epoch + 1, name, value)
        weights = self._keep(epoch + 1)
        state = digests.root(leaves(state_variables(self.model)))
        self.epochs.append({"epoch": epoch + 1, "logs": numbers, "weights": weights, "state": state})
        self.report(epoch + 1, numbers)
        self.epoch_ends.append(time.monotonic())

    def _keep(self, epoch: int) -> str:
        arrays = [(path, np.asarray(variable)) for path, variable in named(self.model.weights)]
        for path, array in arrays:
            if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
                self._stop(epoch, path, array[~np.isfinite(array)].flat[0])
        self.good_weights = [array for _, array in arrays]
        if self.arrays is not None:
            self.arrays.append(dict(arrays))
        found = [digests.leaf(path, array) for path, array in arrays]
        self.rows += [(epoch, item.path, item.digest) for item in found]
        return digests.root(found)

    def _stop(self, epoch: int, name: str, value) -> None:
        kept = f"epoch {len(self.epochs)}" if self.epochs else "the start"
        raise DivergedError(
            f"expected finite numbers, found {name} = {float(value)} in epoch {epoch}. The evidence up to {kept} is"
            " kept. Next step: lower the learning rate, or clip gradients."
        )


def named(variables) -> list[tuple[str, object]]:
    """Return `(path, variable)` with a number added to a path that stands twice."""
    seen: dict[str, int] = {}
    pairs = []
    for variable in variables:
        seen[variable.path] = seen.get(variable.path, 0) + 1
        suffix = f"#{seen[variable.path]}" if seen[variable.path] > 1 else ""
        pairs.append((variable.path + suffix, variable))
    return pairs


def leaves(variables) -> list[digests.Leaf]:
    """Return the digest of each Keras variable, in the order given."""
    return [digests.leaf(path, np.asarray(variable)) for path, variable in named(variables)]


def state_variables(model) -> list:
    """Return what else the next step depends on: the optimizer's slots and the seeds of random layers."""
    weights = {id(variable) for variable in model.weights}
    rest = [variable for variable in model.non_trainable_variables if id(variable) not in weights]
    return list(model.optimizer.variables) + rest

"""Watch every `Model.fit` of a process: digests of its data, of its weights before it and after each epoch, its ops."""

import contextlib
import functools
import inspect
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import keras
import numpy as np
from keras.src.backend.tensorflow.trainer import TensorFlowTrainer

from bitforbit.audit import graph, nodes, scopes
from bitforbit.evidence import digests
from bitforbit.training import recorder

# Above this many bytes the data of a fit is not digested: a second of SHA-256 at most.
DATA_LIMIT = 256 << 20
DATA_ARGUMENTS = ("x", "y", "sample_weight", "validation_data")


@dataclass
class Fit:
    """What one call of `fit` left.

    Attributes:
        number: 1 for the first one of the process.
        model: the model's name.
        kind: its class's name.
        data: leaves of the arrays that it got.
        undigested: arguments whose data has no digest, with the reason.
        epochs: a dict for each epoch: `epoch`, `logs`, `weights` and `state` roots; epoch 0 is before training.
        rows: `(epoch, path, sha256)` of each weight.
        uses: the ops of the graphs that were traced for it.
        variables: leaves of the weights at the end.
        seconds: wall time.
    """

    number: int
    model: str
    kind: str
    data: list[digests.Leaf] = field(default_factory=list)
    undigested: dict[str, str] = field(default_factory=dict)
    epochs: list[dict] = field(default_factory=list)
    rows: list[tuple[int, str, str]] = field(default_factory=list)
    uses: Counter = field(default_factory=Counter)
    variables: list[digests.Leaf] = field(default_factory=list)
    seconds: float = 0.0


class Watch(keras.callbacks.Callback):
    """Fills `fit.epochs` and `fit.rows`; changes nothing and stops nothing."""

    def __init__(self, fit: Fit):
        super().__init__()
        self.fit = fit

    def on_train_begin(self, logs=None):
        self._keep(0, {})

    def on_epoch_end(self, epoch, logs=None):
        self._keep(len(self.fit.epochs), {name: number(value) for name, value in (logs or {}).items()})

    def _keep(self, epoch: int, logs: dict) -> None:
        found = leaves(self.model.weights)
        self.fit.variables = found
        self.fit.rows += [(epoch, item.path, item.digest) for item in found]
        state = digests.root(leaves(state_variables(self.model)))
        self.fit.epochs.append({"epoch": epoch, "logs": logs, "weights": digests.root(found), "state": state})


@contextlib.contextmanager
def watched(observers=()) -> Iterator[list[Fit]]:
    """Yield the list of fits, which grows while the block runs.

    Args:
        observers: objects with `begin(fit, model)` and `end(fit, model)`, called before and after each `fit`.
    """
    found: list[Fit] = []
    audited: set[str] = set()
    stock = TensorFlowTrainer.fit
    signature = inspect.signature(stock)

    @functools.wraps(stock)
    def fit(self, *args, **kwargs):
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError:
            return stock(self, *args, **kwargs)
        seen = Fit(len(found) + 1, self.name, type(self).__name__)
        found.append(seen)
        digest_data(seen, bound.arguments)
        watch = Watch(seen)
        bound.arguments["callbacks"] = callbacks = _with(bound.arguments.get("callbacks"), watch, self)
        for observer in observers:
            observer.begin(seen, self)
        began = time.monotonic()
        try:
            with scopes.recorded() as made_by:
                return stock(*bound.args, **bound.kwargs)
        finally:
            seen.seconds = time.monotonic() - began
            if isinstance(callbacks, keras.callbacks.CallbackList):
                callbacks.callbacks.remove(watch)
            seen.uses = _uses(self, made_by, audited)
            for observer in observers:
                observer.end(seen, self)

    TensorFlowTrainer.fit = fit
    try:
        yield found
    finally:
        TensorFlowTrainer.fit = stock


def _with(callbacks, watch: Watch, model):
    """Return `callbacks` (any form that `fit` takes) with `watch` last."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(watch)
        watch.set_model(model)
        return callbacks
    given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks] if callbacks is not None else []
    return [*given, watch]


def _uses(model, made_by: dict, audited: set[str]) -> Counter:
    try:
        functions = [(name, step) for name, step in graph.traced(model) if step.name not in audited]
        audited |= {step.name for _, step in functions}
        return graph.count(functions, made_by)
    except Exception:
        # Whatever a model does to its step functions: that it could not be looked at is a finding, not a crash.
        return Counter({nodes.NOT_TRACED: 1})


def digest_data(fit: Fit, arguments: dict) -> None:
    """Digest the arrays among the data arguments of `fit`; say of the others why they have no digest."""
    for name in DATA_ARGUMENTS:
        value = arguments.get(name)
        if value is None:
            continue
        try:
            arrays = arrays_of(name, value)
            if sum(array.nbytes for _, array in arrays) > DATA_LIMIT:
                raise TypeError(f"more than {DATA_LIMIT >> 20} MiB")
            fit.data += [digests.leaf(path, array) for path, array in arrays]
        except TypeError as error:
            fit.undigested[name] = str(error)


def arrays_of(path: str, value) -> list[tuple[str, np.ndarray]]:
    """Return the arrays of nested dicts, tuples and lists with their paths.

    Raises:
        TypeError: there is something that is no array, as a `tf.data.Dataset`; the text names its type.
    """
    if value is None:
        return []
    if isinstance(value, dict):
        return [pair for key in sorted(value, key=str) for pair in arrays_of(f"{path}/{key}", value[key])]
    if isinstance(value, (tuple, list)) and not all(isinstance(part, (int, float, str)) for part in value):
        return [pair for index, part in enumerate(value) for pair in arrays_of(f"{path}/{index}", part)]
    if not isinstance(value, (tuple, list)) and not hasattr(value, "__array__"):
        raise TypeError(type(value).__name__)
    array = np.asarray(value)
    if array.dtype.hasobject:
        raise TypeError(f"{type(value).__name__} of objects")
    return [(path, array)]


def leaves(variables) -> list[digests.Leaf]:
    return [digests.leaf(path, np.asarray(variable)) for path, variable in recorder.named(variables)]


def state_variables(model) -> list:
    """As in training, for a model whose optimizer may be missing or of another kind."""
    if isinstance(getattr(model, "optimizer", None), keras.optimizers.Optimizer):
        return recorder.state_variables(model)
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def number(value):
    """Return a metric as JSON can hold it: a float, or the text of one that is not finite, or an array's digest."""
    array = np.asarray(value)
    if array.shape not in ((), (1,)):
        return digests.leaf("", array).digest
    single = float(array.reshape(()))
    return single if np.isfinite(single) else str(single)

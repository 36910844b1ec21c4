"""Obtain the ops that building, training, evaluation and prediction of a Keras model really run.

The graphs are Keras's own (`train_function` and its siblings), traced as `fit` would trace them and kept by the model,
so that `fit` finds them made. Both forms count: as traced, because constant folding runs kernels too, and as Grappler
rewrites it, because it puts in ops that nobody wrote (`Rsqrt` for `a / sqrt(b)`, `_FusedBatchNormEx`).
"""

import contextlib
import inspect
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from bitforbit.audit import grappler, nodes, scopes
from bitforbit.errors import PolicyError


@contextlib.contextmanager
def building() -> Iterator[Counter]:
    """Yield a counter of every `Use` that runs eagerly in the block: a model's initializers."""
    from tensorflow.python.framework import op_callbacks

    uses: Counter = Counter()

    def note(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        if graph is None:
            attributes = dict(zip(attrs[::2], attrs[1::2], strict=False)) if attrs else {}
            dtype = next((nodes.dtype_name(attributes[key]) for key in nodes.TYPE_ATTRIBUTES if key in attributes), "")
            uses[nodes.Use("build", _text(op_type), dtype, scopes.current())] += 1

    op_callbacks.add_op_callback(note)
    try:
        yield uses
    finally:
        op_callbacks.remove_op_callback(note)


def trace(model, train, held_out, batch_size: int) -> Counter:
    """Return how often each `Use` stands in the graphs that `fit`, `evaluate` and `predict` run.

    Args:
        model: a compiled Keras model.
        train, held_out: each a `tf.data.Dataset` of batches `(x, y)`: what `fit` and `evaluate` will get.
        batch_size: examples in a batch.

    Raises:
        PolicyError: its steps are not graphs.
    """
    with scopes.recorded() as made_by:
        return count(concrete_functions(model, train, held_out, batch_size), made_by)


def count(functions: Iterable[tuple], made_by: dict[str, str]) -> Counter:
    """Return how often each `Use` stands in concrete functions.

    Args:
        functions: pairs of the graph's name and a concrete function.
        made_by: what `scopes.recorded` filled while they were traced.
    """
    uses: Counter = Counter()
    found = []
    # Grappler holds no lock of Python: it works on one graph while the next is traced, and on two side by side.
    with ThreadPoolExecutor(2) as workers:
        for name, function in functions:
            rewriting = workers.submit(grappler.optimize, function.graph, graph_def := function.graph.as_graph_def())
            found.append((name, nodes.count(name, nodes.running(function.function_def, graph_def), made_by), rewriting))
        for name, traced, rewriting in found:
            rewritten = nodes.count(name, nodes.running(rewriting.result()), made_by)
            uses.update(rewritten)
            uses.update({use: count for use, count in traced.items() if use not in rewritten})
    return uses


def traced(model) -> list[tuple]:
    """Return pairs of `train` or `test` and a concrete function: what `fit` has traced so far; traces nothing.

    Raises:
        PolicyError: its steps are not graphs, or not Keras's own.
    """
    steps = {"train": model.train_function, "test": model.test_function}
    inner = {name: _inner(step) for name, step in steps.items() if step is not None}
    if not all(hasattr(step, "_list_all_concrete_functions") for step in inner.values()):
        raise PolicyError("expected steps that are graphs, found some that run eagerly")
    return [(name, function) for name, step in inner.items() for function in step._list_all_concrete_functions()]


def concrete_functions(model, train, held_out, batch_size: int) -> Iterator[tuple]:
    """Yield `train`, `test` and `predict`, each with its concrete function, traced into the model's own cache."""
    import tensorflow as tf
    from keras.src.trainers.data_adapters.data_adapter_utils import pack_x_y_sample_weight
    from tensorflow.python.data.ops.iterator_ops import IteratorSpec

    def whole_batch(spec):
        return tf.TensorSpec([batch_size, *spec.shape[1:]], spec.dtype)

    if model.run_eagerly:
        raise PolicyError(
            "expected a model whose steps are graphs, found run_eagerly=True: its ops cannot be listed before they run."
            " Next step: model.compile(..., run_eagerly=False)"
        )
    model.make_train_function()
    model.make_test_function()
    model.make_predict_function()
    # A tracer's function knows the one that it calls.
    step = _inner(getattr(model.train_function, "made_by_keras", model.train_function))
    yield "train", step.get_concrete_function(IteratorSpec(train.element_spec))
    spec = held_out.element_spec
    yield "test", _inner(model.test_function).get_concrete_function(IteratorSpec(spec))
    batch = tf.nest.map_structure(whole_batch, pack_x_y_sample_weight(spec[0]))
    yield "predict", model.predict_function.get_concrete_function([batch])


def _inner(function):
    """Return the `tf.function` that Keras wraps into `train_function` or `test_function`."""
    found = inspect.getclosurevars(function).nonlocals.get("multi_step_on_iterator")
    if found is None:
        raise PolicyError(
            "expected Keras's own train_function and test_function, found others: their ops cannot be listed."
            " Next step: override train_step or test_step in place of make_train_function or make_test_function"
        )
    return found


def _text(value) -> str:
    return value.decode() if isinstance(value, bytes) else value

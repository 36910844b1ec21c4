"""Obtain the ops that building, training, evaluation and prediction of a Keras model really run.

The graphs are Keras's own (`train_function` and its siblings), traced as `fit` would trace them and kept by the model,
so that `fit` finds them made. Both forms count: as traced, because constant folding runs kernels too, and as Grappler
rewrites it, because it puts in ops that nobody wrote (`Rsqrt` for `a / sqrt(b)`, `_FusedBatchNormEx`).
"""

import contextlib
import functools
import inspect
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from bitforbit.audit import grappler, scopes
from bitforbit.errors import PolicyError

# The attribute that holds a kernel's element type, by what ops call it; the first that an op has counts.
TYPE_ATTRIBUTES = (
    "T",
    "dtype",
    "DstT",
    "Tparams",
    "T1",
    "Tinput",
    "Toutput",
    "TI",
    "out_type",
    "output_dtype",
    "Tidx",
    "Tin",
)


class Use(NamedTuple):
    """One kind of op in a graph.

    Attributes:
        graph: `train`, `test` or `predict`; `build` for what ran while the model was built.
        op: TensorFlow's op type.
        dtype: its element type, an empty text where the op has none.
        layer: the layer, loss, metric or optimizer that made it, an empty text where none did.
    """

    graph: str
    op: str
    dtype: str
    layer: str


NOT_TRACED = Use("train", "(not traced)", "", "")


@contextlib.contextmanager
def building() -> Iterator[Counter]:
    """Yield a counter of every `Use` that runs eagerly in the block: a model's initializers."""
    from tensorflow.python.framework import op_callbacks

    uses: Counter = Counter()

    def note(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        if graph is None:
            attributes = dict(zip(attrs[::2], attrs[1::2], strict=False)) if attrs else {}
            dtype = next((_name(attributes[key]) for key in TYPE_ATTRIBUTES if key in attributes), "")
            uses[Use("build", _text(op_type), dtype, scopes.current())] += 1

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
            found.append((name, _count(name, _nodes(function.function_def, graph_def), made_by), rewriting))
        for name, traced, rewriting in found:
            rewritten = _count(name, _nodes(rewriting.result()), made_by)
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
    step = _inner(model.train_function)
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


def _nodes(body, graph_def=None) -> Iterator[tuple]:
    """Yield `(node, callers)` for each node of `body` that runs, and of every function it calls.

    `callers` are the names of the nodes (a While, a call) whose functions led to `node`, outermost first.
    """
    library = {function.signature.name: function for function in (graph_def or body).library.function}
    pending, seen = [(_running(body), ())], set()
    while pending:
        nodes, callers = pending.pop()
        for node in nodes:
            # A node may be a call by its very type: then only what it calls is an op.
            if node.op not in library:
                yield node, callers
            for name in (*_called(node), node.op):
                if name in library and (name, callers) not in seen:
                    seen.add((name, callers))
                    pending.append((_running(library[name]), (*callers, node.name)))


def _running(body) -> list:
    """Return the nodes on which the results of a GraphDef or FunctionDef depend."""
    if hasattr(body, "node"):
        return list(body.node)
    nodes = {node.name: node for node in body.node_def}
    pending = [*body.ret.values(), *body.control_ret.values()]
    kept: dict = {}
    while pending:
        name = pending.pop().lstrip("^").partition(":")[0]
        if name in nodes and name not in kept:
            kept[name] = nodes[name]
            pending.extend(nodes[name].input)
    return list(kept.values())


def _called(node) -> Iterator[str]:
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        for function in value.list.func:
            yield function.name


def _count(graph: str, nodes, made_by: dict[str, str]) -> Counter:
    uses: Counter = Counter()
    maker = scopes.finder(made_by)
    for node, callers in nodes:
        layer = next((m for name in (node.name, *reversed(callers)) if (m := maker(name.rpartition("/")[0]))), "")
        attribute = next((node.attr[key] for key in TYPE_ATTRIBUTES if key in node.attr), None)
        numbers = [] if attribute is None else [attribute.type, *attribute.list.type]
        uses[Use(graph, node.op, next((_name(number) for number in numbers if number), ""), layer)] += 1
    return uses


def _name(number) -> str:
    return _dtype(number) if isinstance(number, int) or hasattr(number, "as_datatype_enum") else ""


@functools.cache
def _dtype(number) -> str:
    """Return an element type's name; thousands of nodes have a dozen of them."""
    import tensorflow as tf

    return tf.dtypes.as_dtype(number).name


def _text(value) -> str:
    return value.decode() if isinstance(value, bytes) else value

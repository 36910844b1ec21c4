"""Count the ops of a graph that run: those that stand in it, and in every function that it calls."""

import functools
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from bitforbit.audit import scopes

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


def count(graph: str, nodes, made_by: dict[str, str]) -> Counter:
    """Return how often each `Use` stands among what `running` yields.

    Args:
        graph: name of the graph.
        nodes: pairs of a node and its callers.
        made_by: what `scopes.recorded` filled while the graph was traced.
    """
    uses: Counter = Counter()
    maker = scopes.finder(made_by)
    for node, callers in nodes:
        layer = next((m for name in (node.name, *reversed(callers)) if (m := maker(name.rpartition("/")[0]))), "")
        attribute = next((node.attr[key] for key in TYPE_ATTRIBUTES if key in node.attr), None)
        numbers = [] if attribute is None else [attribute.type, *attribute.list.type]
        uses[Use(graph, node.op, next((dtype_name(number) for number in numbers if number), ""), layer)] += 1
    return uses


def running(body, graph_def=None) -> Iterator[tuple]:
    """Yield `(node, callers)` for each node of `body` that runs, and of every function it calls.

    `callers` are the names of the nodes (a While, a call) whose functions led to `node`, outermost first.
    """
    library = {function.signature.name: function for function in (graph_def or body).library.function}
    pending, seen = [(_wanted(body), ())], set()
    while pending:
        nodes, callers = pending.pop()
        for node in nodes:
            # A node may be a call by its very type: then only what it calls is an op.
            if node.op not in library:
                yield node, callers
            for name in (*_called(node), node.op):
                if name in library and (name, callers) not in seen:
                    seen.add((name, callers))
                    pending.append((_wanted(library[name]), (*callers, node.name)))


def _wanted(body) -> list:
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


def dtype_name(number) -> str:
    """Return the name of an element type, given as TensorFlow's or by its number; empty for what is none."""
    return _dtype(number) if isinstance(number, int) or hasattr(number, "as_datatype_enum") else ""


@functools.cache
def _dtype(number) -> str:
    """Return an element type's name; thousands of nodes have a dozen of them."""
    import tensorflow as tf

    return tf.dtypes.as_dtype(number).name

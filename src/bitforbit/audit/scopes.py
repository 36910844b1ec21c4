"""Tell which layer, loss, metric or optimizer made an op, from the name scopes that Keras opens while it traces."""

import contextlib
import functools
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def recorded() -> Iterator[dict[str, str]]:
    """Yield a dict that fills, while the block runs, with `scope -> maker` for every name scope that Keras opens.

    The scope's text is not enough: TensorFlow makes names unique (`conv2d` becomes `conv2d_1`, where another layer is
    called just that), so the object that opened the scope is asked while it is open.
    """
    from keras.src.backend.tensorflow import core
    from tensorflow.python.framework import ops

    made_by: dict[str, str] = {}
    enter = core.name_scope.__enter__

    def note(scope):
        entered = enter(scope)
        maker = maker_of(scope)
        if maker:
            made_by.setdefault(ops.get_name_scope(), maker)
        return entered

    core.name_scope.__enter__ = note
    try:
        yield made_by
    finally:
        core.name_scope.__enter__ = enter


def maker_of(scope) -> str:
    """Return a layer as `dense_1 (Dense)`, a loss, metric or optimizer by its name, else an empty text."""
    import keras

    caller = scope.caller
    if isinstance(caller, keras.layers.Layer):
        return f"{caller.name} ({type(caller).__name__})"
    if caller is None or isinstance(caller, (keras.optimizers.Optimizer, keras.metrics.Metric)):
        return scope.name
    return ""


def current() -> str:
    """Return the maker whose scope is open now, or an empty text."""
    from keras.src.backend.common import global_state

    stack = global_state.get_global_attribute("name_scope_stack") or []
    return next((maker for maker in map(maker_of, reversed(stack)) if maker), "")


def finder(made_by: dict[str, str]) -> Callable[[str], str]:
    """Return a function from a node's path without its own name to its maker: the longest recorded scope within it.

    A path may begin with what wrapped it (`StatefulPartitionedCall/`, `gradient_tape/`), and end in names of its own.
    Nodes share most of their paths, so what a path's beginning holds is looked up once.
    """

    @functools.cache
    def longest(scope: str) -> tuple[int, str]:
        beginning, separated, _ = scope.rpartition("/")
        length, maker = longest(beginning) if separated else (0, "")
        parts = scope.split("/")
        for start in range(len(parts) - length):
            if found := made_by.get("/".join(parts[start:])):
                return len(parts) - start, found
        return length, maker

    return lambda scope: longest(scope)[1]

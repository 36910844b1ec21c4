"""What runs side by side: the functions that pools, threads and parallel maps are given, and what these draw."""

import ast

from bitforbit.diagnosis.lint.rules import _draws
from bitforbit.diagnosis.lint.source import Source, argument, is_none, keyword

AUTOTUNE = ("tensorflow.data.AUTOTUNE", "tensorflow.data.experimental.AUTOTUNE")
POOLS = (
    "multiprocessing.Pool", "multiprocessing.pool.Pool", "multiprocessing.pool.ThreadPool",
    "multiprocessing.dummy.Pool", "concurrent.futures.ThreadPoolExecutor", "concurrent.futures.ProcessPoolExecutor",
)  # fmt: skip
THREADS = ("threading.Thread", "threading.Timer", "_thread.start_new_thread", "multiprocessing.Process")


def started(source: Source):
    """Yield `(function, call)` for each function of this file that a thread, process or pool is given."""
    for call in source.called(*THREADS):
        target = keyword(call, "target") or (call.args[1] if len(call.args) > 1 else None)
        function = function_of(source, target) if target is not None else None
        if function is not None:
            yield function, call
    if source.called(*POOLS) or any(
        path.startswith(("multiprocessing", "concurrent.futures")) for path in source.names.paths.values()
    ):
        for method in ("submit", "apply_async", "map", "imap", "starmap", "imap_unordered", "map_async"):
            for call in source.methods.get(method, ()):
                function = function_of(source, call.args[0]) if call.args else None
                if function is not None and keyword(call, "num_parallel_calls") is None and not _on_dataset(call):
                    yield function, call


def _on_dataset(call: ast.Call) -> bool:
    """A pool's variable is called pool or executor more often than a dataset's is."""
    owner = ast.unparse(call.func.value).lower() if isinstance(call.func, ast.Attribute) else ""
    return not any(word in owner for word in ("pool", "executor", "exe"))


def function_of(source: Source, node: ast.expr):
    """Return the lambda or the function of this file that `node` names, else `None`."""
    if isinstance(node, ast.Lambda):
        return node
    if isinstance(node, ast.Name):
        return source.functions.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
        return source.functions.get(node.attr)
    return None


def first_draw(source: Source, function, python_only: bool = False, depth: int = 2) -> ast.Call | None:
    """Return the first draw from a global generator inside `function`, and in functions of this file that it calls."""
    if function is None:
        return None
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        path = source.names.of(node.func)
        owner, _, last = path.rpartition(".")
        if (owner == "numpy.random" and last in _draws.NUMPY_DRAWS) or (
            owner == "random" and last in _draws.PYTHON_DRAWS
        ):
            return node
        if path == "numpy.random.default_rng" and is_none(argument(node, 0, "seed")):
            return node
        if not python_only and owner == "tensorflow.random" and last in _draws.TENSORFLOW_DRAWS:
            return node
        if depth and not path and isinstance(node.func, ast.Name) and node.func.id in source.functions:
            found = first_draw(source, source.functions[node.func.id], python_only, depth - 1)
            if found is not None:
                return found
    return None


def is_autotune(source: Source, node: ast.expr) -> bool:
    minus_one = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and ast.unparse(node) == "-1"
    return minus_one or source.names.of(node) in AUTOTUNE

"""What several rules ask: where a file seeds which library, and whether a value comes from the clock or the system."""

import ast
from collections.abc import Iterator

from bitforbit.diagnosis.lint.source import Source, scope_of

ALL = ("keras.utils.set_random_seed", "keras.src.utils.rng_utils.set_random_seed")
PYTHON = ("random.seed", *ALL)
NUMPY = ("numpy.random.seed", *ALL)
TENSORFLOW = (
    "tensorflow.random.set_seed", "tensorflow.random.set_random_seed", "tensorflow.set_random_seed",
    "tensorflow.compat.v1.set_random_seed", "tensorflow.compat.v1.random.set_random_seed", *ALL,
)  # fmt: skip
GLOBAL = tuple(dict.fromkeys((*PYTHON, *NUMPY, *TENSORFLOW)))
LAYERS = ("keras.layers.", "keras.applications.", "keras.models.")
MODELS = ("keras.Sequential", "keras.Model")


def lacks_seed(source: Source, call: ast.Call, seeding: tuple[str, ...]) -> bool:
    """Return whether no call of `seeding` can have run before `call`: none before it, none inside a function."""
    at = scope_of(call)
    for seed in source.called(*seeding):
        where = scope_of(seed)
        if not isinstance(where, ast.Module) or not isinstance(at, ast.Module) or seed.lineno <= call.lineno:
            return False
    return True


def origins(source: Source, value: ast.expr, depth: int = 3) -> Iterator[tuple[ast.Call, str]]:
    """Yield the calls with a known path that `value` is made of, through names that are assigned in the same scope."""
    for node in ast.walk(value):
        if isinstance(node, ast.Call):
            path = source.names.of(node.func)
            if path:
                yield node, path
            elif isinstance(node.func, ast.Name) and node.func.id in ("id", "hash", "object"):
                yield node, node.func.id
        elif isinstance(node, ast.Name) and depth:
            for assigned in assigned_values(source, node):
                yield from origins(source, assigned, depth - 1)


def assigned_values(source: Source, name: ast.Name) -> Iterator[ast.expr]:
    """Yield what is assigned to `name` in its scope, or in the module."""
    scopes = {scope_of(name), source.tree}
    for node in source.assignments:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        named = any(isinstance(target, ast.Name) and target.id == name.id for target in targets)
        if named and node.value is not None and scope_of(node) in scopes:
            yield node.value


def makes_model(path: str) -> bool:
    """Return whether a call of `path` makes a layer or a model, and so draws seeds."""
    return path in MODELS or (path.startswith(LAYERS) and path.rpartition(".")[2][:1].isupper())


def is_keras_fit(call: ast.Call) -> bool:
    """scikit-learn's `fit` has none of these keywords."""
    return any(
        word.arg in ("epochs", "batch_size", "validation_data", "callbacks", "steps_per_epoch")
        for word in call.keywords
    )

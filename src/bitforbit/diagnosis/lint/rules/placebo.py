"""Code that looks as if it seeded or pinned something, and does not."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _seeding
from bitforbit.diagnosis.lint.source import scope_of

# Functions that take a value by a call; assigning to one replaces the function, and nothing is set.
SETTERS = frozenset(
    (
        *_seeding.GLOBAL, "tensorflow.config.experimental.enable_op_determinism", "tensorflow.config.optimizer.set_jit",
        "tensorflow.config.experimental.enable_tensor_float_32_execution", "keras.config.set_floatx",
        "tensorflow.config.threading.set_intra_op_parallelism_threads", "keras.config.set_dtype_policy",
        "tensorflow.config.threading.set_inter_op_parallelism_threads", "keras.backend.set_floatx",
        "keras.mixed_precision.set_global_policy", "keras.mixed_precision.set_dtype_policy",
        "tensorflow.config.set_soft_device_placement", "tensorflow.config.set_visible_devices",
    )
)  # fmt: skip


class AssignedSetter(Rule):
    """A value is assigned to a function that should be called with it.

    The function is replaced by a number, nothing is set and nothing complains. mlf-core's template for TensorFlow
    limited its threads in this way.

    Bad:

        tf.config.threading.set_intra_op_parallelism_threads = 1

    Good:

        tf.config.threading.set_intra_op_parallelism_threads(1)
    """

    code, name = "BFB202", "assigned-setter"

    def check(self, source):
        for node in source.assignments:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Attribute) and source.names.of(target) in SETTERS and _is_value(node.value):
                    spelled = ast.unparse(target)
                    value = ast.unparse(node.value) if node.value is not None else ""
                    yield (
                        node,
                        f"assigning to {spelled} replaces the function and sets nothing. Write {spelled}({value}).",
                    )


def _is_value(node: ast.expr | None) -> bool:
    """Return whether `node` is a number or the like; a function in a function's place is meant."""
    kinds = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.Call, ast.Subscript)
    return isinstance(node, kinds) or (
        isinstance(node, (ast.Name, ast.Attribute)) and _reads_as_value(ast.unparse(node))
    )


def _reads_as_value(name: str) -> bool:
    last = name.rpartition(".")[2].lower()
    return any(word in last for word in ("seed", "thread", "num", "count", "size", "core", "n_")) or len(last) == 1


class DroppedGenerator(Rule):
    """A seeded generator is made and thrown away.

    `np.random.default_rng(1)` returns a generator; it does not seed the global one.

    Bad:

        np.random.default_rng(1)
        x = np.random.rand(3)

    Good:

        rng = np.random.default_rng(1)
        x = rng.random(3)
    """

    code, name = "BFB203", "dropped-generator"
    MAKERS = (
        "numpy.random.default_rng", "numpy.random.RandomState", "numpy.random.Generator", "numpy.random.SeedSequence",
        "random.Random", "keras.random.SeedGenerator", "tensorflow.random.Generator.from_seed",
        "tensorflow.random.experimental.Generator.from_seed", "jax.random.key", "jax.random.PRNGKey",
    )  # fmt: skip

    def check(self, source):
        for call in source.called(*self.MAKERS):
            if isinstance(call.parent, ast.Expr):
                spelled = ast.unparse(call.func)
                yield (
                    call,
                    f"{spelled}() returns a generator and seeds nothing else; this one is dropped. Keep it: rng"
                    f" = {ast.unparse(call)}.",
                )


class SeedsOneOfSeveral(Rule):
    """A program with Keras seeds some libraries, and not Python's `random`.

    Keras 3 draws the default seed of every initializer and dropout layer from Python's `random`
    (`keras.src.random.seed_generator`), so `tf.random.set_seed` and `np.random.seed` leave a model unseeded
    (keras-team/keras#22620).

    Bad:

        np.random.seed(1)
        tf.random.set_seed(1)

    Good:

        keras.utils.set_random_seed(1)
    """

    code, name = "BFB204", "seeds-one-of-several"

    def check(self, source):
        others = [call for call in source.called(*_seeding.GLOBAL) if source.names.of(call.func) not in _seeding.PYTHON]
        if others and source.uses_keras and not source.called(*_seeding.PYTHON):
            yield (
                others[0],
                f"{ast.unparse(others[0].func)}() does not seed Python's random, from which Keras 3 takes the seeds of"
                " initializers and dropout. Call keras.utils.set_random_seed(seed).",
            )


class SeedsAfterBuilding(Rule):
    """The seed comes after layers were made.

    Layers take their seeds when they are made; seeding afterwards does not reach them.

    Bad:

        model = keras.Sequential([keras.layers.Dense(8)])
        keras.utils.set_random_seed(1)

    Good:

        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.layers.Dense(8)])
    """

    code, name = "BFB205", "seeds-after-building"

    def check(self, source):
        seeds = source.called(*_seeding.ALL, "random.seed", "tensorflow.random.set_seed")
        built = [(call, path) for call, path in source.calls if _seeding.makes_model(path)]
        for scope in dict.fromkeys(scope_of(call) for call in seeds):
            first = next((call for call in seeds if scope_of(call) is scope), None)
            before = [call for call, _ in built if scope_of(call) is scope and call.lineno < first.lineno]
            if before:
                yield (
                    first,
                    (
                        f"seeds after line {before[0].lineno} made {ast.unparse(before[0].func)}, whose seed is drawn"
                        " already. Seed before the first layer."
                    ),
                )

"""Code that looks as if it seeded or pinned something, and does not."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _seeding
from bitforbit.diagnosis.lint.source import Source, scope_of

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
# What is read when the first of these packages is imported; everything else here imports NumPy.
READ_AT_IMPORT = {
    "NPY_ENABLE_CPU_FEATURES": "numpy", "NPY_DISABLE_CPU_FEATURES": "numpy", "OPENBLAS_CORETYPE": "numpy",
    "OPENBLAS_NUM_THREADS": "numpy", "OMP_NUM_THREADS": "numpy", "MKL_NUM_THREADS": "numpy", "MKL_CBWR": "numpy",
    "KERAS_BACKEND": "keras", "TF_USE_LEGACY_KERAS": "tensorflow",
}  # fmt: skip
IMPORTS_NUMPY = frozenset(("numpy", "tensorflow", "keras", "pandas", "scipy", "sklearn", "matplotlib", "jax", "torch"))
DEAD = {
    "NPY_DISABLE_CPU_FEATURES": "NumPy 2 only warns of features that it does not dispatch, as the AVX512F of the old"
    " recipes. Set NPY_ENABLE_CPU_FEATURES=X86_V3 before Python starts",
    "ONEDNN_CPU_ISA_HINTS": "TensorFlow 2.21 is built without it. Set ONEDNN_MAX_CPU_ISA before Python starts",
    "TF_DISABLE_SEGMENT_REDUCTION_OP_DETERMINISM_EXCEPTIONS": "TensorFlow 2.21 does not know it any more. Remove it",
    "TF_CUDNN_DETERMINISTIC": "it reached cuDNN's convolutions only, and TensorFlow 2.21's library no longer names it."
    " Call tf.config.experimental.enable_op_determinism()",
}


class HashSeedInProcess(Rule):
    """`PYTHONHASHSEED` is set by the program that it should act on.

    The interpreter reads it once, before the first line of any program runs. Setting it in `os.environ` changes child
    processes only; the order of sets in this one stays random.

    Bad:

        os.environ["PYTHONHASHSEED"] = "0"

    Good, in the shell:

        PYTHONHASHSEED=0 python train.py

    Or let `bitforbit run train.py` do it.
    """

    code, name = "BFB201", "hash-seed-in-process"

    def check(self, source):
        for node, name, _ in environment_writes(source):
            if name == "PYTHONHASHSEED":
                yield (
                    node,
                    (
                        "PYTHONHASHSEED is read before the program starts: this changes nothing here."
                        " Start it as PYTHONHASHSEED=0 python ..., or with bitforbit run."
                    ),
                )


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
                (
                    f"{ast.unparse(others[0].func)}() does not seed Python's random, from which Keras 3 takes the"
                    " seeds of"
                    " initializers and dropout. Call keras.utils.set_random_seed(seed)."
                ),
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


class SetAfterImport(Rule):
    """A variable is set after the import that reads it.

    NumPy and OpenBLAS read their variables while they load, Keras its backend, TensorFlow the choice of Keras.

    Bad:

        import numpy as np
        os.environ["OMP_NUM_THREADS"] = "1"

    Good:

        os.environ["OMP_NUM_THREADS"] = "1"
        import numpy as np

    Better, in the shell or by `bitforbit run`, which sets them before Python starts.
    """

    code, name = "BFB206", "set-after-import"

    def check(self, source):
        for node, name, _ in environment_writes(source):
            reader = READ_AT_IMPORT.get(name)
            if reader is None or not isinstance(scope_of(node), ast.Module):
                continue
            readers = IMPORTS_NUMPY if reader == "numpy" else {"keras", "tensorflow"} if reader == "keras" else {reader}
            imported = _first_import(source, readers if reader != "keras" else {"keras"})
            if imported is not None and imported.lineno < node.lineno:
                yield (
                    node,
                    f"{name} is read when {reader} is imported, which line {imported.lineno} did. Set it before,"
                    " best before Python starts.",
                )


class DeadKnob(Rule):
    """A variable is set that the pinned libraries no longer heed.

    It looks like a pin and is none.

    Bad:

        os.environ["NPY_DISABLE_CPU_FEATURES"] = "AVX512F"

    Good, in the shell:

        NPY_ENABLE_CPU_FEATURES=X86_V3 python train.py

    `bitforbit policy` prints what does count, read back from the live process.
    """

    code, name = "BFB207", "dead-knob"

    def check(self, source):
        for node, name, _ in environment_writes(source):
            if name in DEAD:
                yield node, f"{name} has no effect here: {DEAD[name]}."


def environment_writes(source: Source):
    """Yield `(node, variable, value)` for each way to set a variable whose name is a literal."""
    for node in source.assignments:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            item = isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant)
            if item and source.names.of(target.value) == "os.environ":
                yield node, target.slice.value, node.value
    for call in source.called("os.putenv", "os.environ.setdefault"):
        if call.args and isinstance(call.args[0], ast.Constant):
            yield call, call.args[0].value, call.args[1] if len(call.args) > 1 else None
    for call in source.called("os.environ.update"):
        for word in call.keywords:
            if word.arg:
                yield call, word.arg, word.value
        for given in call.args:
            for key in given.keys if isinstance(given, ast.Dict) else ():
                if isinstance(key, ast.Constant):
                    yield call, key.value, None


def _first_import(source: Source, packages):
    for node in source.tree.body:
        found = (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )  # fmt: skip
        if any(name.partition(".")[0] in packages for name in found):
            return node
    return None

"""Settings that are missing, or that give bits away; files whose bytes are no identity; ops that raise."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _seeding
from bitforbit.diagnosis.lint.rules.unseeded import _is_keras_fit
from bitforbit.diagnosis.lint.source import Source, keyword, scope_of

DETERMINISM = ("tensorflow.config.experimental.enable_op_determinism",)
THREADS = (
    "tensorflow.config.threading.set_intra_op_parallelism_threads",
    "tensorflow.config.threading.set_inter_op_parallelism_threads",
)


class SeededWithoutDeterminism(Rule):
    """A script seeds and trains, and leaves ops free to add in any order.

    Seeds fix what is drawn. The order of parallel sums is another matter: without `enable_op_determinism` two runs
    of one seed may differ. `bitforbit run` turns it on.

    Bad:

        keras.utils.set_random_seed(1)
        model.fit(x, y, epochs=3)

    Good:

        keras.utils.set_random_seed(1)
        tf.config.experimental.enable_op_determinism()
        model.fit(x, y, epochs=3)
    """

    code, name = "BFB601", "no-op-determinism"

    def check(self, source):
        fits = [call for call in source.methods.get("fit", ()) if _is_keras_fit(call)]
        seeds = source.called(*_seeding.ALL, "tensorflow.random.set_seed")
        if fits and seeds and not source.called(*DETERMINISM) and not _sets(source, "TF_DETERMINISTIC_OPS"):
            yield (
                seeds[0],
                "seeds, and trains without op determinism: parallel sums may add in any order."
                " Call tf.config.experimental.enable_op_determinism(), or start with bitforbit run.",
            )


class ThreadsNotFixed(Rule):
    """Op determinism is on and the thread pools take their size from the host.

    The size of a pool decides how a sum is split: with other counts, deterministic ops give other bits. `bitforbit run`
    fixes them.

    Bad:

        tf.config.experimental.enable_op_determinism()

    Good:

        tf.config.threading.set_intra_op_parallelism_threads(2)
        tf.config.threading.set_inter_op_parallelism_threads(2)
        tf.config.experimental.enable_op_determinism()
    """

    code, name = "BFB602", "threads-not-fixed"

    def check(self, source):
        on = source.called(*DETERMINISM)
        if on and not (source.called(THREADS[0]) or _sets(source, "TF_NUM_INTRAOP_THREADS")):
            yield (
                on[0],
                "op determinism without a fixed thread count gives other bits on a host with other cores. Call"
                " tf.config.threading.set_intra_op_parallelism_threads(2), or start with bitforbit run.",
            )


class ReducedPrecision(Rule):
    """float16 or TF32 is asked for.

    Both round earlier, so that small differences of order become large ones, and a GPU of another generation computes
    them in other steps. Allow it with a reason where it is meant.

    Bad:

        keras.mixed_precision.set_global_policy("mixed_float16")

    Good:

        keras.config.set_dtype_policy("float32")
    """

    code, name = "BFB603", "reduced-precision"
    POLICIES = (
        "keras.mixed_precision.set_global_policy", "keras.mixed_precision.set_dtype_policy", "keras.config.set_floatx",
        "keras.config.set_dtype_policy", "keras.backend.set_floatx", "keras.mixed_precision.Policy",
    )  # fmt: skip

    def check(self, source):
        for call in source.called(*self.POLICIES):
            first = call.args[0] if call.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and "16" in first.value:
                yield (
                    call,
                    f"{first.value} rounds early, so that every difference grows. Use float32, or say why in a noqa.",
                )
        for call in source.called("tensorflow.config.experimental.enable_tensor_float_32_execution"):
            first = call.args[0] if call.args else keyword(call, "enabled")
            if isinstance(first, ast.Constant) and first.value is True:
                yield call, "TF32 drops 13 bits of each factor, on some GPUs only. Pass False."


class JitCompile(Rule):
    """XLA is asked for by `jit_compile=True`.

    XLA has kernels of its own, chosen by host, and its reciprocal square root differs by vendor. Keras drops the
    request under op determinism, with a warning; `tf.function` does not.

    Bad:

        @tf.function(jit_compile=True)
        def step(batch): ...

    Good:

        @tf.function
        def step(batch): ...
    """

    code, name = "BFB604", "jit-compile"

    def check(self, source):
        for call, path in source.calls:
            asked = keyword(call, "jit_compile")
            known = path == "tensorflow.function" or (
                isinstance(call.func, ast.Attribute) and call.func.attr == "compile"
            )
            if known and isinstance(asked, ast.Constant) and asked.value is True:
                yield call, "jit_compile=True computes with XLA's kernels, which are chosen by host. Leave it out."


class ModelFileHash(Rule):
    """A saved model is compared or hashed as a file.

    A `.keras` archive holds the date of saving and the times of a zip file, `.h5` may hold times: equal models are
    different files.

    Bad:

        hashlib.sha256(open("model.keras", "rb").read())

    Good:

        hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights()))

    `bitforbit` writes archives whose bytes are an identity.
    """

    code, name = "BFB605", "model-file-hash"

    def check(self, source):
        hashes = [
            *source.starting("hashlib."),
            *((c, "filecmp.cmp") for c in source.called("filecmp.cmp", "zlib.crc32")),
        ]
        for call, path in sorted(hashes, key=lambda pair: (pair[0].lineno, pair[0].col_offset)):
            for given in call.args:
                if _reads_model(source, given) or (path == "filecmp.cmp" and _is_model_path(source, given)):
                    yield (
                        call,
                        "a saved model holds dates, so equal ones are different files. Hash model.get_weights().",
                    )
                    break


def _reads_model(source: Source, node: ast.expr) -> bool:
    """Return whether `node` reads a model's file: `open(p)`, `Path(p).read_bytes()`, or a file opened by `with`."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and _opened_model(source, part):
            return True
        if not isinstance(part, ast.Call):
            continue
        opens = isinstance(part.func, ast.Name) and part.func.id == "open" and part.args
        if opens and _is_model_path(source, part.args[0]):
            return True
        if isinstance(part.func, ast.Attribute) and part.func.attr == "read_bytes":
            inner = part.func.value
            inner = inner.args[0] if isinstance(inner, ast.Call) and inner.args else inner
            if _is_model_path(source, inner):
                return True
    return False


def _opened_model(source: Source, name: ast.Name) -> bool:
    for node in ast.walk(scope_of(name)):
        if isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if isinstance(item.optional_vars, ast.Name) and item.optional_vars.id == name.id:
                    call = item.context_expr
                    if isinstance(call, ast.Call) and call.args and _is_model_path(source, call.args[0]):
                        return True
    return False


def _is_model_path(source: Source, node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value.endswith((".keras", ".h5", ".hdf5"))
    if isinstance(node, ast.JoinedStr) and node.values:
        return _is_model_path(source, node.values[-1])
    if isinstance(node, ast.BinOp):
        return _is_model_path(source, node.right)
    if isinstance(node, ast.Name):
        return any(_is_model_path(source, value) for value in _seeding.assigned_values(source, node)
                   if not isinstance(value, ast.Name))  # fmt: skip
    if isinstance(node, ast.Call) and node.args:
        return source.names.of(node.func).startswith(("pathlib.", "os.path.")) and _is_model_path(source, node.args[-1])
    return False


class OutsideDeterminism(Rule):
    """A way to run a model that op determinism does not cover.

    `enable_op_determinism` names TF1 sessions and parameter servers as outside of its promise: steps run, and add, in
    the order in which they arrive.

    Bad:

        y = tf.compat.v1.Session().run(x)

    Good:

        y = step(x)     # a tf.function
    """

    code, name = "BFB606", "outside-determinism"
    SESSION = "TF1 sessions are outside of op determinism's promise. Use tf.function"
    SERVER = "a parameter server adds in the order of arrival. Use one device, or MirroredStrategy"
    USES = (
        ("tensorflow.compat.v1.Session", SESSION),
        ("tensorflow.compat.v1.InteractiveSession", SESSION),
        ("tensorflow.compat.v1.disable_eager_execution", SESSION),
        ("tensorflow.compat.v1.disable_v2_behavior", SESSION),
        ("tensorflow.distribute.ParameterServerStrategy", SERVER),
        ("tensorflow.distribute.experimental.ParameterServerStrategy", SERVER),
    )

    def check(self, source):
        for path, why in self.USES:
            for call in source.called(path):
                yield call, f"{ast.unparse(call.func)}(): {why}."


def _sets(source: Source, variable: str) -> bool:
    from bitforbit.diagnosis.lint.rules.placebo import environment_writes

    return any(name == variable for _, name, _ in environment_writes(source))

"""Settings that are missing, or that give bits away."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _environment, _seeding
from bitforbit.diagnosis.lint.source import keyword

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
        fits = [call for call in source.methods.get("fit", ()) if _seeding.is_keras_fit(call)]
        seeds = source.called(*_seeding.ALL, "tensorflow.random.set_seed")
        if fits and seeds and not source.called(*DETERMINISM) and not _environment.sets(source, "TF_DETERMINISTIC_OPS"):
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
        if on and not (source.called(THREADS[0]) or _environment.sets(source, "TF_NUM_INTRAOP_THREADS")):
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

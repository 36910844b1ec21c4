"""The table of knobs: one row for each setting that decides bits, how it is set, and how it is read back.

Rows with an upper-case name are environment variables that must stand before the interpreter starts; their value at
exec is read from `/proc/self/environ`, which later changes to `os.environ` cannot touch. A row's `effect` asks the
library itself. Marks in `source`: N7 is row 7 of docs/numerics.md; other sources are spelled out.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bitforbit.policy import effects, natives

VERSION = 1
POOL_SIZE = 2
CYCLE_LENGTH = 4
# L1 data, L2, L3 in bytes: docs/numerics.md has the measurement.
EIGEN_CACHES = (32 << 10, 512 << 10, 4096 << 10)

INTERPRETER, FIRST_OP, COMPILE = "before the interpreter", "before the first op", "before compile"


@dataclass(frozen=True)
class Knob:
    """One setting.

    Attributes:
        name: the environment variable, or the name of the setting inside the process.
        value: what the policy wants, as text; `{k}` stands for the pool size.
        when: the last moment at which it can be set.
        why: what differs between hosts without it.
        source: where that is shown.
        effect: reads the live value, as text, once TensorFlow is up; `None` where the environment is all there is.
        effect_value: what `effect` returns when the knob took; `value` where empty.
    """

    name: str
    value: str
    when: str
    why: str
    source: str
    effect: Callable[[], str] | None = None
    effect_value: str = ""

    @property
    def is_environment(self) -> bool:
        return self.name.isupper()


def _env(name, value, why, source, effect=None, effect_value=""):
    return Knob(name, value, INTERPRETER, why, source, effect, effect_value)


KNOBS: tuple[Knob, ...] = (
    _env("PYTHONHASHSEED", "0", "order of sets of strings", "N13", effects.hash_randomization, "off"),
    _env(
        "PYTHONNOUSERSITE",
        "1",
        "packages of the user's own in place of the lock's",
        "docs.python.org, site",
        effects.user_site,
        "off",
    ),
    _env(
        "PYTHON_CPU_COUNT",
        "{k}",
        "shards of Dataset.save and snapshot (Python 3.13)",
        "N15",
        effects.python_cpu_count,
        "fixed",
    ),
    _env("TF_NUM_INTRAOP_THREADS", "{k}", "blocks of a parallel sum or product", "N1", effects.intra_op_threads, "{k}"),
    _env(
        "TF_NUM_INTEROP_THREADS", "{k}", "size of the pool that runs the graph", "N2", effects.inter_op_threads, "{k}"
    ),
    _env("TF_DETERMINISTIC_OPS", "1", "order of accumulation inside ops", "N8", effects.op_determinism, "on"),
    _env(
        "TF_ENABLE_ONEDNN_OPTS",
        "0",
        "another kernel library on CPUs with VNNI, BF16 or AMX",
        "N3",
        effects.onednn_kernels,
        "off",
    ),
    _env("ONEDNN_MAX_CPU_ISA", "AVX2", "instruction set of the matrix product", "N4", effects.onednn_isa, "avx2"),
    _env(
        "NPY_ENABLE_CPU_FEATURES", "X86_V3", "instruction set of NumPy's loops", "N10", effects.numpy_dispatch, "X86_V3"
    ),
    _env("OPENBLAS_CORETYPE", "Haswell", "kernels of OpenBLAS", "N11", effects.openblas_core, "Haswell"),
    _env("OPENBLAS_NUM_THREADS", "1", "blocks of a product in OpenBLAS", "N11", effects.openblas_threads, "1"),
    _env("OMP_NUM_THREADS", "1", "threads of OpenMP in SciPy and scikit-learn", "N11", effects.openmp_threads, "1"),
    _env("CUDA_VISIBLE_DEVICES", "", "a visible GPU moves initializers and turns on jit", "N16", effects.gpus, "none"),
    _env("XLA_FLAGS", "--xla_cpu_max_isa=AVX2", "instruction set of XLA's code", "N9"),
    _env("KERAS_BACKEND", "tensorflow", "which library computes", "keras.io, keras.config", effects.keras_backend),
    _env("TZ", "UTC", "local time in file names and data", "N17", effects.timezone),
    _env("LC_ALL", "C.UTF-8", "collation, decimal point, text decoding", "N17", effects.locale_name),
    Knob(
        "thread pools",
        "{k} and {k}",
        FIRST_OP,
        "as the two variables, for code that resets them",
        "N1",
        effects.configured_threads,
    ),
    Knob("op determinism", "on", FIRST_OP, "as TF_DETERMINISTIC_OPS, tf.data included", "N8", effects.op_determinism),
    Knob(
        "grappler deadline",
        "none",
        FIRST_OP,
        "a slow host would stop optimizing a graph half-way",
        "N7",
        effects.grappler_deadline,
    ),
    Knob(
        "tf.data cycle_length",
        str(CYCLE_LENGTH),
        FIRST_OP,
        "interleave takes the number of CPUs for its default",
        "N14",
        effects.interleave_order,
    ),
    Knob(
        "eigen caches",
        natives.spell(EIGEN_CACHES),
        FIRST_OP,
        "how every float product and sum is split",
        "N5",
        effects.eigen_caches,
    ),
    Knob(
        "exact kernels",
        "in force",
        FIRST_OP,
        "RCPPS and RSQRTPS give other bits on another vendor's CPU",
        "N6",
        effects.exact_kernels,
    ),
    Knob(
        "denormals",
        "flushed",
        FIRST_OP,
        "an op gives zero or not by the thread that runs it",
        "docs/numerics.md",
        effects.denormals,
    ),
    Knob(
        "keras config",
        "float32, 1e-07, channels_last, float32",
        FIRST_OP,
        "a user's keras.json changes the defaults",
        "keras.io, keras.config",
        effects.keras_config,
    ),
    Knob(
        "jit_compile", "False", COMPILE, "XLA's own kernels, and its vendor-dependent rsqrt", "N9", effects.jit_compile
    ),
)

MUST_STAY_UNSET: tuple[str, ...] = (
    "DNNL_DEFAULT_FPMATH_MODE",
    "DNNL_MAX_CPU_ISA",
    "GLIBC_TUNABLES",
    "NPY_DISABLE_CPU_FEATURES",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL",
    "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_ALLOWLIST_ADD",
    "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_ALLOWLIST_REMOVE",
    "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_IGNORE_PERFORMANCE",
    "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_LEVEL",
    "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_LOG_PATH",
    "TF_CONV2D_USE_FP16_ACCUMULATE",
    "TF_DISABLE_JIT_KERNELS",
    "TF_DISABLE_MKL",
    "TF_ENABLE_ONEDNN_SPMM",
    "TF_ENABLE_ZENDNN_OPTS",
    "TF_FP16_MATMUL_USE_FP32_COMPUTE",
    "TF_OVERRIDE_GLOBAL_THREADPOOL",
    "TF_SET_ONEDNN_FPMATH_MODE",
    "TF_USE_DEEP_CONV2D",
    "TF_USE_EIGEN_PARALLEL_FOR_IN_WORK_SHARDER",
    "TF_USE_LEGACY_KERAS",
    "TF_XLA_FLAGS",
)

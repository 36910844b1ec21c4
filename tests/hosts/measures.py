"""The measures that make hosts agree, and how each is taken away: one row for each.

A measure is taken away from outside, in the process that computes: the package has no switch for it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

ALL_MEASURES = "all measures"
LAYERS = "every layer"


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes:
        name: what is taken away.
        probes: what is computed to see it.
        hosts: the hosts to compare, by their names in `subjects.HOSTS`; the first is what the others are held against.
        environment: variables to start with otherwise; `None` unsets.
        take_away: called after the import of TensorFlow and before the policy is applied.
        script: Python text that stands for the probes where TensorFlow has no part; prints what is compared.
        note: what the reader of the table must know.
    """

    name: str
    probes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ("native", "Haswell")
    environment: dict = field(default_factory=dict)
    take_away: Callable[[], None] | None = None
    script: str = ""
    note: str = ""


def _unset(name):
    """Unset the policy's value; what a host of the comparison has of its own stays."""

    def take_away():
        from bitforbit.policy import Policy

        if os.environ.get(name) == Policy().environment()[name]:
            del os.environ[name]

    return take_away


def _threads(which):
    def take_away():
        import tensorflow as tf

        os.environ.pop(f"TF_NUM_{which.upper()}OP_THREADS", None)
        setattr(tf.config.threading, f"set_{which}_op_parallelism_threads", lambda threads: None)

    return take_away


def _eigen_caches():
    from bitforbit.policy import natives

    natives.pin_eigen_caches = lambda sizes: None


def _kernels(*ops):
    def take_away():
        from hosts import program

        program.leave_out(ops)

    return take_away


def _op_determinism():
    import tensorflow as tf

    os.environ.pop("TF_DETERMINISTIC_OPS", None)
    tf.config.experimental.enable_op_determinism = lambda: None


def _cycle_length():
    from bitforbit.policy import apply

    apply.fix_cycle_length = lambda: None


def _deadline():
    """One millisecond, where the default is five minutes: a host 300 000 times as slow."""
    from bitforbit.policy import pools

    start = pools.start

    def start_with_deadline(*arguments):
        from tensorflow.python.eager import context

        base = context.context()._config
        if base is not None:
            base.graph_options.rewrite_options.meta_optimizer_timeout_ms = 1
        return start(*arguments)

    pools.start = start_with_deadline


def _keras_config():
    from bitforbit.policy import apply

    apply._configure_keras = lambda: None


def _kernel_rows():
    """One row for each replaced op, the versions of one op together."""
    from bitforbit.kernels.table import ROWS

    families: dict[str, list] = {}
    for row in ROWS:
        families.setdefault(FAMILIES.get(row.op, row.op), []).append(row.op)
    for family, ops in families.items():
        yield Measure(f"exact kernel {family}", KERNEL_PROBES.get(family, (f"op {family}",)), take_away=_kernels(*ops))


FAMILIES = {
    "FusedBatchNormV2": "FusedBatchNorm",
    "FusedBatchNormV3": "FusedBatchNorm",
    "_FusedBatchNormEx": "FusedBatchNorm",
    "FusedBatchNormGradV2": "FusedBatchNormGrad",
    "FusedBatchNormGradV3": "FusedBatchNormGrad",
    "BatchMatMul": "MatMul",
    "BatchMatMulV2": "MatMul",
    "BatchMatMulV3": "MatMul",
    "_FusedMatMul": "MatMul",
}
# Training first, so that the table names a step and a variable where one can.
KERNEL_PROBES = {
    "Rsqrt": ("layer normalization", "op Rsqrt"),
    "Erfc": ("exact GELU", "op Erfc"),
    "Softmax": ("attention", "op Softmax"),
    "MatMul": ("sums",),
}
LAYER_PROBES = (
    "layer normalization", "batch normalization", "attention", "exact GELU", "binary cross-entropy", "KL divergence",
    "Poisson", "cosine loss", "RMSprop", "Adagrad", "convolution",
)  # fmt: skip
EMULATED = ("Haswell", "EPYC-Rome")
# The first level decides the blocks: 32 KiB is AMD's as well as the pinned size.
OTHER_CACHES = ("Haswell", "EPYC,legacy-cache=on")
ONE_CORE = ("native", "native, one core")
NUMPY = ("native", "Haswell", "native, NumPy finds no AVX2")
OPENBLAS = ("native", "Haswell", "native, OpenBLAS finds Sandy Bridge")
_NUMPY_HEAD = "import numpy as np; x = (np.arange(100003) % 997 / 128 + 0.01).astype('float32');"

# Sums over chunks of 256 rows, one for each thread.
_K_MEANS = """
import numpy as np
from sklearn.cluster import KMeans
x = (np.arange(40000) % 997 * 7919 % 1009 / 128).reshape(-1, 4)
print("inertia", KMeans(5, n_init=1, random_state=1).fit(x).inertia_.hex())
"""
_USER_SITE = """
import os, subprocess, sys, tempfile
with tempfile.TemporaryDirectory() as base:
    folder = f"{base}/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    os.makedirs(folder)
    if os.environ.get("HOSTS_USER_PACKAGE"):
        open(f"{folder}/numpy.py", "w").write("")
    code = "import importlib.util as u; found = u.find_spec('numpy'); print(found and found.origin.startswith(%r))" % base
    subprocess.run([sys._base_executable, "-c", code], env=os.environ | {"PYTHONUSERBASE": base}, check=True)
"""

MEASURES = (
    Measure(ALL_MEASURES, ("sums", "blocks", "every op", "grappler", "interleave", "order of map", "scatter",
                           "keras defaults", "denormals"),
            hosts=("native", "native, one core", *OTHER_CACHES), note="the control: nothing taken away"),
    Measure(LAYERS, LAYER_PROBES, ("native", *EMULATED), note="not an ablation: nothing taken away"),
    Measure("intra-op threads", ("sums", "convolution"), ONE_CORE, take_away=_threads("intra")),
    Measure("inter-op threads", ("sums", "convolution"), ONE_CORE, take_away=_threads("inter")),
    Measure("ONEDNN_MAX_CPU_ISA", ("convolution", "sums"), ("native", "Haswell", "native, oneDNN finds AVX"),
            take_away=_unset("ONEDNN_MAX_CPU_ISA")),
    Measure("TF_ENABLE_ONEDNN_OPTS", ("convolution", "sums"), ("native", "Haswell", "native, oneDNN on as by VNNI"),
            environment={"TF_ENABLE_ONEDNN_OPTS": None}),
    Measure("eigen caches", ("blocks",), ("native", *OTHER_CACHES), take_away=_eigen_caches),
    *_kernel_rows(),
    Measure("op determinism", ("order of map", "scatter"), ONE_CORE, take_away=_op_determinism),
    Measure("tf.data cycle_length", ("interleave",), ONE_CORE, take_away=_cycle_length),
    Measure("grappler deadline", ("grappler",), ("native", "native, all measures"), take_away=_deadline,
            note="a deadline of 1 ms stands for a host too slow for the default of 5 minutes"),
    Measure("jit_compile", ("XLA with rsqrt",), note="functions with jit_compile=True, which the policy keeps out"),
    Measure("XLA_FLAGS", ("XLA",), ("native", "Haswell", "native, XLA finds SSE4.2"), environment={"XLA_FLAGS": None}),
    Measure("keras config", ("keras defaults", "layer normalization"), ("native", "native, own keras.json"),
            take_away=_keras_config, note="the other host has a keras.json of its user's own"),
    Measure("PYTHONHASHSEED", hosts=("native", "native, again"), environment={"PYTHONHASHSEED": None},
            script="print(list({'init', 'shuffle', 'dropout', 'augmentation'}))"),
    Measure("NPY_ENABLE_CPU_FEATURES", hosts=NUMPY, environment={"NPY_ENABLE_CPU_FEATURES": None},
            script=_NUMPY_HEAD + "import hashlib; print([(y.dtype.name, f, hashlib.sha256(getattr(np, f)(y).tobytes())"
            ".hexdigest()[:6]) for y in (x, x.astype('f8')) for f in"
            " ('sqrt', 'exp', 'log', 'sin', 'cos', 'tanh', 'arctan', 'cbrt', 'log1p', 'sum')])"),
    Measure("OPENBLAS_CORETYPE", hosts=OPENBLAS, environment={"OPENBLAS_CORETYPE": None},
            script=_NUMPY_HEAD + "a = x[:65536].reshape(256, 256); print((a @ a).view('u4').sum(dtype='u8'))"),
    Measure("OPENBLAS_NUM_THREADS", hosts=ONE_CORE, environment={"OPENBLAS_NUM_THREADS": None, "OMP_NUM_THREADS": None},
            script=_NUMPY_HEAD + "y = np.tile(x, 40); a = x[:90000].reshape(300, 300);"
            " print(float(y @ y), (a @ a).view('u4').sum(dtype='u8'), np.linalg.inv(a + 9 * np.eye(300)).sum())"),
    Measure("OMP_NUM_THREADS", hosts=ONE_CORE, environment={"OMP_NUM_THREADS": None}, script=_K_MEANS),
    Measure("KERAS_BACKEND", hosts=("native", "native, keras.json for jax"), environment={"KERAS_BACKEND": None},
            script="import keras; print('computes with', keras.config.backend())"),
    Measure("PYTHONNOUSERSITE", hosts=("native", "native, packages of its user"), environment={"PYTHONNOUSERSITE": None},
            script=_USER_SITE, note="the interpreter below the virtual environment, which has no user site"),
    Measure("TZ", hosts=("native", "native, other zone"), environment={"TZ": None},
            script="import time; print(time.strftime('%H', time.localtime(0)))"),
    Measure("LC_ALL", hosts=("native", "native, other locale"), environment={"LC_ALL": None},
            script="import sys; print(sys.getfilesystemencoding(), open('/dev/null').encoding)"),
)  # fmt: skip

BY_NAME = {measure.name: measure for measure in MEASURES}

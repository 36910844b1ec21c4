"""Ask the live process what each knob really did.

Each function returns a short text that the table of knobs compares with what it wants. None of them trusts the
environment: a library that ignored a variable, or read it too early, is caught here.
"""

import os
import sys

from bitforbit.policy import pools


def hash_randomization() -> str:
    return "on" if sys.flags.hash_randomization else "off"


def user_site() -> str:
    return "off" if sys.flags.no_user_site else "on"


def python_cpu_count() -> str:
    """Python 3.13 fixes `os.cpu_count`; older ones do not read the variable, so only the environment can be held."""
    if sys.version_info < (3, 13):
        return "fixed"
    return "fixed" if str(os.cpu_count()) == os.environ.get("PYTHON_CPU_COUNT") else f"host ({os.cpu_count()})"


def intra_op_threads() -> str:
    return str(pools.measured().intra_op)


def inter_op_threads() -> str:
    return str(pools.measured().inter_op)


def configured_threads() -> str:
    import tensorflow as tf

    threading = tf.config.threading
    return f"{threading.get_intra_op_parallelism_threads()} and {threading.get_inter_op_parallelism_threads()}"


def op_determinism() -> str:
    from tensorflow.python.util import _pywrap_determinism

    return "on" if _pywrap_determinism.is_enabled() else "off"


def onednn_kernels() -> str:
    from tensorflow.python.util import _pywrap_util_port

    return "on" if _pywrap_util_port.IsMklEnabled() else "off"


def onednn_isa() -> str:
    from bitforbit.policy import natives

    return natives.onednn_isa()


def eigen_caches() -> str:
    from bitforbit.policy import natives

    return natives.eigen_caches()


def exact_kernels() -> str:
    """How many exact kernels stand above TensorFlow's own, by the library's count and by the registry's."""
    from bitforbit.policy import replacements

    return replacements.in_force()


def numpy_dispatch() -> str:
    """Names of the enabled dispatch targets above the baseline (NumPy's own report)."""
    from numpy._core import _multiarray_umath as core

    return " ".join(name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)) or "baseline"


def _blas(key: str, api: str) -> str:
    from threadpoolctl import threadpool_info

    found = sorted({str(pool[key]) for pool in threadpool_info() if pool["internal_api"] == api})
    return " ".join(found)


def openblas_core() -> str:
    import numpy  # noqa: F401  (loads NumPy's OpenBLAS)

    return _blas("architecture", "openblas")


def openblas_threads() -> str:
    return _blas("num_threads", "openblas")


def openmp_threads() -> str:
    """OpenMP is loaded by scikit-learn only; where it is not, nothing can use it."""
    return _blas("num_threads", "openmp") or "1"


def gpus() -> str:
    import tensorflow as tf

    return " ".join(device.name for device in tf.config.get_visible_devices("GPU")) or "none"


def keras_backend() -> str:
    import keras

    return keras.config.backend()


def timezone() -> str:
    import time

    return time.tzname[0] if time.timezone == 0 and not time.daylight else f"{time.tzname[0]} ({time.timezone} s)"


def locale_name() -> str:
    import locale

    return locale.setlocale(locale.LC_CTYPE)


def grappler_deadline() -> str:
    from tensorflow.python.eager import context

    limit = context.context().config.graph_options.rewrite_options.meta_optimizer_timeout_ms
    return "none" if limit < 0 else f"{limit or 300000} ms"


def interleave_order() -> str:
    """Elements tell the cycle length: with `c` inputs in turn, input 1 comes after `c` first elements."""
    import tensorflow as tf

    @tf.autograph.experimental.do_not_convert
    def twice(i):
        return tf.data.Dataset.from_tensors(i).repeat(2)

    rows = tf.data.Dataset.range(64).interleave(twice)  # noqa: BFB503 it is what is read
    return str(rows.batch(128).get_single_element().numpy().tolist().index(0, 1))


def denormals() -> str:
    """The smallest float32 normal, halved: by an eager op, by a large eager op, and inside a function."""
    import tensorflow as tf

    half = tf.function(lambda x: x * 0.5, autograph=False)
    with tf.device("CPU:0"):
        small, large = (tf.fill([size], 1.17549435e-38) for size in (8, 1 << 18))
        halves = [small * 0.5, large * 0.5, half(large)]
        flushed = {bool(tf.reduce_all(y == 0.0)) and not y.numpy().any() for y in halves}
    return "flushed" if flushed == {True} else "kept" if flushed == {False} else "mixed"


def keras_config() -> str:
    import keras

    config = keras.config
    return f"{config.floatx()}, {config.epsilon()}, {config.image_data_format()}, {config.dtype_policy().name}"


def jit_compile() -> str:
    """What Keras takes for a model compiled without the argument."""
    import keras

    model = keras.Sequential([keras.Input((1,), name="x")], name="jit_probe")
    model.compile()
    return str(model.jit_compile)

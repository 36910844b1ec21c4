"""Ask the live process what each GPU knob really did. As in `effects`, none of these trusts the environment."""

import os
import sysconfig
from collections.abc import Iterable

from bitforbit.policy import cuda


def visible_gpus() -> str:
    import tensorflow as tf

    return str(len(tf.config.get_visible_devices("GPU")))


def memory_growth() -> str:
    import tensorflow as tf

    growing = {tf.config.experimental.get_memory_growth(gpu) for gpu in tf.config.get_visible_devices("GPU")}
    return "on" if growing == {True} else "off" if growing == {False} else "mixed" if growing else "no GPU"


def tensor_float_32() -> str:
    import tensorflow as tf

    return "on" if tf.config.experimental.tensor_float_32_execution_enabled() else "off"


def product_precision() -> str:
    """Multiply and convolve numbers that TF32 cannot hold: its 10 bits of fraction lose `1 + 2**-12`."""
    import tensorflow as tf

    value = 1.0 + 2.0**-12
    with tf.device("GPU:0" if tf.config.get_visible_devices("GPU") else "CPU:0"):
        product = tf.linalg.matmul(tf.fill([256, 256], value), tf.eye(256))
        image = tf.nn.conv2d(tf.fill([1, 16, 16, 32], value), tf.reshape(tf.eye(32), (1, 1, 32, 32)), 1, "VALID")
        kept = {bool(tf.reduce_all(tensor == value)) for tensor in (product, image)}
    return "float32" if kept == {True} else "less than float32"


def device_order() -> str:
    """CUDA's numbering against the bus numbers; a single GPU has only one order."""
    from bitforbit.policy import devices

    places = [gpu.bus.lower() for gpu in devices.the_driver().gpus]
    return "PCI_BUS_ID" if places == sorted(places) else "another"


def libraries() -> str:
    """Where the CUDA libraries of this process come from: the wheels, or also another place."""
    with open("/proc/self/maps") as maps:
        return foreign_libraries(maps.read(), sysconfig.get_path("purelib"))


def foreign_libraries(maps: str, site: str) -> str:
    """Return `from the wheels`, or the first CUDA library in `maps` that lies outside `site`.

    Args:
        maps: the text of `/proc/<pid>/maps`.
        site: the site-packages folder.
    """
    names = {library.soname.split(".so.")[0] for library in cuda.LIBRARIES}
    root = os.path.realpath(site) + "/"
    for line in maps.splitlines():
        path = line.split(maxsplit=5)[5] if len(line.split(maxsplit=5)) == 6 else ""
        if os.path.basename(path).split(".so")[0] in names and not os.path.realpath(path).startswith(root):
            return path
    return "from the wheels"


def missing_libraries(names: Iterable[str] = tuple(library.soname for library in cuda.LIBRARIES)) -> list[str]:
    """Return those of `names`, shared libraries, that the loader does not find. Defaults to what TensorFlow opens."""
    import ctypes

    missing = []
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            missing.append(name)
    return missing

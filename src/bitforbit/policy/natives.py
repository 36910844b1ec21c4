"""Read settings that live in memory of TensorFlow's native library, where no API shows them."""

import ctypes
import os

from bitforbit.policy import symbols

LIBRARY = "libtensorflow_cc.so.2"
ISA_SETTING = "_ZZN4dnnl4impl3cpu3x6412_GLOBAL__N_111max_cpu_isaEvE19max_cpu_isa_setting"

# Values of oneDNN's enum cpu_isa_t (src/cpu/x64/cpu_isa_traits.hpp in its source), read back from the process.
ISA_NAMES = {0x230: "avx2", 0x7FFFFFFF: "all that the CPU has"}
LOCKED = 2


def library_path() -> str:
    import tensorflow as tf

    return os.path.join(os.path.dirname(tf.__file__), LIBRARY)


def onednn_isa() -> str:
    """Return the instruction-set cap that oneDNN holds after its first use: `avx2`, or what else it is."""
    import tensorflow as tf

    tf.linalg.matmul(tf.ones((8, 8)), tf.ones((8, 8)))
    address = symbols.load_bias(LIBRARY) + symbols.find(library_path(), (ISA_SETTING,))[ISA_SETTING]
    value, state = (ctypes.c_uint32 * 2).from_address(address)
    if state != LOCKED:
        return "not read yet"
    return ISA_NAMES.get(value, hex(value))

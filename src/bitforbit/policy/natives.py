"""Settings that live in memory of TensorFlow's native library, where no API reaches them."""

import ctypes
import functools
import os

from bitforbit.errors import PolicyError
from bitforbit.policy import symbols

LIBRARY = "libtensorflow_cc.so.2"
CACHE_SIZES = "_ZZN5Eigen8internal20manage_caching_sizesENS_6ActionEPlS2_S2_E12m_cacheSizes"
CACHE_GUARD = "_ZGVZN5Eigen8internal20manage_caching_sizesENS_6ActionEPlS2_S2_E12m_cacheSizes"
ISA_SETTING = "_ZZN4dnnl4impl3cpu3x6412_GLOBAL__N_111max_cpu_isaEvE19max_cpu_isa_setting"
SIZES = {CACHE_SIZES: 24, CACHE_GUARD: 8, ISA_SETTING: 8}

# Values of oneDNN's enum cpu_isa_t (src/cpu/x64/cpu_isa_traits.hpp in its source), read back from the process.
ISA_NAMES = {0x230: "avx2", 0x7FFFFFFF: "all that the CPU has"}
LOCKED = 2


@functools.cache
def addresses() -> dict[str, int]:
    """Return where each setting is in this process.

    Raises:
        PolicyError: a symbol is missing or stands twice in the library.
    """
    import tensorflow as tf

    path = os.path.join(os.path.dirname(tf.__file__), LIBRARY)
    bias = symbols.load_bias(LIBRARY)
    return {name: bias + value for name, value in symbols.find(path, SIZES).items()}


def onednn_isa() -> str:
    """Return the instruction-set cap that oneDNN holds after its first use: `avx2`, or what else it is."""
    import tensorflow as tf

    with tf.device("CPU:0"):
        tf.linalg.matmul(tf.ones((8, 8)), tf.ones((8, 8)))
    value, state = (ctypes.c_uint32 * 2).from_address(addresses()[ISA_SETTING])
    if state != LOCKED:
        return "not read yet"
    return ISA_NAMES.get(value, hex(value))


def pin_eigen_caches(sizes: tuple[int, int, int]) -> None:
    """Give Eigen fixed cache sizes before it asks CPUID; they decide how it splits every float product and sum.

    The sizes are the first use's: a function-local static behind a guard. Both are written here, so that the
    first use finds them made.

    Args:
        sizes: bytes of L1 data, L2 and L3.

    Raises:
        PolicyError: Eigen has other sizes already (an op ran before), or the symbols are not there.
    """
    place, guard = _caches(), ctypes.c_uint8.from_address(addresses()[CACHE_GUARD])
    if guard.value and tuple(place) != sizes:
        raise PolicyError(
            f"eigen caches: wanted {spell(sizes)}, found {spell(tuple(place))}, already in use."
            " Next step: let `bitforbit` be the first to run a TensorFlow op."
        )
    place[0], place[1], place[2] = sizes
    guard.value = 1


def eigen_caches() -> str:
    """Return the cache sizes that Eigen's kernels read in this process."""
    if not ctypes.c_uint8.from_address(addresses()[CACHE_GUARD]).value:
        return "not set"
    return spell(tuple(_caches()))


def spell(sizes: tuple[int, ...]) -> str:
    """Return sizes as `32, 512, 4096 KiB`."""
    return ", ".join(f"{size / 1024:g}" for size in sizes) + " KiB"


def _caches():
    return (ctypes.c_ssize_t * 3).from_address(addresses()[CACHE_SIZES])

"""Load the exact kernels into this process's TensorFlow, and read back what is in force."""

import ctypes
import os
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

from bitforbit.errors import HostError

ABI_VERSION = 1
_lock = threading.Lock()
_loaded = None


@dataclass(frozen=True)
class KernelLibrary:
    """The loaded library.

    Attributes:
        path: `Path` of the shared library.
        stamp: str, Hash of the sources, flags and TensorFlow version it was built from.
        isa: str, `"avx2"` or `"avx512"`: the vector width in use; the bits are the same.
        registered: tuple of str, `"Op/dtype"` of every kernel that replaces a stock one.
        functions: `ctypes.CDLL` with the C interface of `native/bfb.h`.
    """

    path: Path
    stamp: str
    isa: str
    registered: tuple
    functions: ctypes.CDLL

    @property
    def threads(self):
        """Size of the kernels' own pool, the calling thread included."""
        return self.functions.bfb_threads()

    def set_threads(self, threads):
        """Resize the pool; returns the size in force. The bits do not depend on it."""
        return self.functions.bfb_set_threads(threads)

    def cpuid(self, leaf, subleaf=0):
        """Return `(eax, ebx, ecx, edx)` of CPUID as this process sees it (an emulated CPU shows itself here)."""
        out = (ctypes.c_uint32 * 4)()
        self.functions.bfb_cpuid(leaf, subleaf, out)
        return tuple(out)

    @property
    def vendor(self):
        """Who made the CPU, as CPUID spells it: `"GenuineIntel"`, `"AuthenticAMD"`, ..."""
        _, ebx, ecx, edx = self.cpuid(0)
        return struct.pack("<3I", ebx, edx, ecx).decode("ascii", "replace")

    @property
    def mxcsr(self):
        """Floating point control word of the calling thread; bits 6 and 15 flush denormals."""
        return self.functions.bfb_get_mxcsr()

    def set_mxcsr(self, value):
        """Set the calling thread's floating point control word."""
        self.functions.bfb_set_mxcsr(value)


def open_library(path):
    """Open a built library, register nothing; a `ctypes.CDLL` with argument types. TensorFlow must be loaded."""
    library = ctypes.CDLL(str(path))
    text, i32, u32, i64, u64 = ctypes.c_char_p, ctypes.c_int, ctypes.c_uint32, ctypes.c_int64, ctypes.c_uint64
    pointer = ctypes.c_void_p
    signatures = {
        "bfb_abi_version": (i32,),
        "bfb_stamp": (text,),
        "bfb_isa": (text,),
        "bfb_error": (text,),
        "bfb_register": (i32,),
        "bfb_kernel_count": (i32,),
        "bfb_kernel_name": (text, i32),
        "bfb_set_threads": (i32, i32),
        "bfb_threads": (i32,),
        "bfb_cpuid": (None, u32, u32, ctypes.POINTER(u32)),
        "bfb_get_mxcsr": (u32,),
        "bfb_set_mxcsr": (None, u32),
        "bfb_unary": (i32, text, text, pointer, pointer, i64),
        "bfb_binary": (i32, text, text, pointer, pointer, pointer, i64),
        "bfb_softmax": (i32, text, pointer, pointer, i64, i64),
        "bfb_fingerprint": (u64, pointer, i64),
        "bfb_digest_register": (i32,),
        "bfb_digest_open": (i32, i64),
        "bfb_digest_keep": (None, i32),
        "bfb_digest_kept": (pointer, i32, i64, pointer, pointer, pointer),
        "bfb_digest_close": (None, i32),
        "bfb_digest_steps": (i64, i32),
        "bfb_digest_wait": (None,),
        "bfb_digest_take": (i64, i32, pointer),
        "bfb_digest_on_full": (None, pointer),
    }
    for name, (result, *arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _current(path, stamp):
    """Whether `path` is a library of this tree and TensorFlow: its stamp stands in the file as text."""
    return path.exists() and stamp.encode() in path.read_bytes()


def load(threads, path=None, rebuild=True):
    """Register every exact kernel above TensorFlow's own, once per process.

    Args:
        threads: int, Size of the kernels' thread pool. Changes speed, never bits.
        path: path, The library. Defaults to `BITFORBIT_KERNELS` from the environment, else to the build folder.
        rebuild: bool, Compile a missing or stale library. Defaults to `True`; needs a compiler and headers.

    Returns:
        A `KernelLibrary`. A second call returns the same one, with its pool resized to `threads`.

    Raises:
        HostError: if the CPU is below x86-64-v3, or the library is missing or stale and cannot be built.
    """
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _register(current(path, rebuild))
        _loaded.set_threads(threads)
        return _loaded


def current(path=None, rebuild=True):
    """Return the path of the library of this tree, compiled where it is missing or stale; see `load`."""
    from bitforbit.kernels import (
        build as kernel_build,
    )  # late: `python -m bitforbit.kernels.build` imports this package

    path = Path(path or os.environ.get("BITFORBIT_KERNELS") or kernel_build.DEFAULT_OUTPUT)
    if not _current(path, kernel_build.stamp()):
        if not rebuild:
            state = "a library of other sources, flags or TensorFlow" if path.exists() else "no file"
            raise HostError(
                f"Expected current kernels at {path}. Received: {state}. Next: run `python -m bitforbit.kernels.build`."
            )
        kernel_build.build(path)
    return path


def _register(path):
    import tensorflow  # noqa: F401  (its C API must be in the process before the library that uses it)
    from tensorflow.python.eager import context

    functions = open_library(path)
    if functions.bfb_abi_version() != ABI_VERSION:
        raise HostError(
            f"Expected kernels of ABI {ABI_VERSION}. Received: {functions.bfb_abi_version()} in {path}. "
            "Next: run `python -m bitforbit.kernels.build`."
        )
    if functions.bfb_register() < 0:
        raise HostError(
            f"Expected every exact kernel to register. Received: {functions.bfb_error().decode()}. "
            "Next: use a CPU of level x86-64-v3 (AVX2 and FMA)."
        )
    # Eager ops that ran before hold on to the kernels they found first.
    context.context().clear_kernel_cache()
    names = tuple(functions.bfb_kernel_name(i).decode() for i in range(functions.bfb_kernel_count()))
    return KernelLibrary(path, functions.bfb_stamp().decode(), functions.bfb_isa().decode(), names, functions)

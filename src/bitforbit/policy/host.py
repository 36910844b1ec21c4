"""What this host is: the check for x86-64-v3, and the facts that `run.json` records."""

import ctypes
import os
import platform

from bitforbit.errors import HostError

CPU_CLASS = "cpu-x86-64-v3"

# (name, CPUID leaf as glibc numbers them, register of its "active" half, bit): the psABI's list for x86-64-v3.
_EBX, _ECX = 1, 2
_LEVEL_V3 = (
    ("AVX", 0, _ECX, 28),
    ("AVX2", 1, _EBX, 5),
    ("BMI1", 1, _EBX, 3),
    ("BMI2", 1, _EBX, 8),
    ("F16C", 0, _ECX, 29),
    ("FMA", 0, _ECX, 12),
    ("LZCNT", 2, _ECX, 5),
    ("MOVBE", 0, _ECX, 22),
)
_PROC_NAMES = {"LZCNT": "abm"}


def _feature_leaf():
    """Return glibc's reader of its CPUID table, or `None` before glibc 2.33."""
    try:
        leaf = ctypes.CDLL(None).__x86_get_cpuid_feature_leaf
    except AttributeError:
        return None
    leaf.restype = ctypes.POINTER(ctypes.c_uint32 * 8)
    return leaf


def missing_features() -> list[str]:
    """Return the instruction sets of x86-64-v3 that this process cannot use (empty: all are there).

    glibc's own CPUID table is asked (`__x86_get_cpuid_feature_leaf`, since 2.33): it knows what the system allows, and
    it sees the emulated CPU under an emulator, where /proc/cpuinfo shows the real one.
    """
    leaf = _feature_leaf()
    if leaf is None:
        return _missing_in_cpuinfo()
    return [name for name, index, register, bit in _LEVEL_V3 if not leaf(index).contents[4 + register] >> bit & 1]


def _missing_in_cpuinfo() -> list[str]:
    with open("/proc/cpuinfo") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    return [name for name, *_ in _LEVEL_V3 if _PROC_NAMES.get(name, name.lower()) not in flags]


def require_level_v3() -> None:
    """Refuse a host whose CPU is below x86-64-v3: its libm and its kernels are others.

    Raises:
        HostError: always names what is missing.
    """
    machine = platform.machine()
    if platform.system() != "Linux" or machine != "x86_64":
        raise HostError(
            f"expected Linux on x86-64-v3, found {platform.system()} on {machine}."
            " Next step: run on an x86-64 Linux host with AVX2 and FMA (Intel since Haswell, AMD since Zen)."
        )
    missing = missing_features()
    if missing:
        raise HostError(
            f"expected a CPU of level x86-64-v3, found one without {', '.join(missing)}."
            " Next step: run on a host with AVX2 and FMA (Intel since Haswell, AMD since Zen)."
        )


def cpu_signature() -> str:
    """Return `family-model-stepping` from CPUID leaf 1, or `unknown` where glibc is too old to tell."""
    leaf = _feature_leaf()
    if leaf is None:
        return "unknown"
    eax = leaf(0).contents[0]
    family, model = eax >> 8 & 15, eax >> 4 & 15
    if family == 15:
        family += eax >> 20 & 255
    if family == 6 or family >= 15:
        model += (eax >> 16 & 15) << 4
    return f"{family}-{model}-{eax & 15}"


def libc() -> str:
    """Return the C library of this process, as `glibc-2.41`."""
    return "-".join(platform.libc_ver())


def facts() -> dict:
    """Return what may differ between hosts without changing bits, for `run.json`."""
    return {
        "cpu": _first("/proc/cpuinfo", "model name"),
        "cpu_signature": cpu_signature(),
        "microcode": _first("/proc/cpuinfo", "microcode"),
        "cores_online": os.cpu_count(),
        "cores_usable": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "python": platform.python_version(),
        "system": _first("/etc/os-release", "PRETTY_NAME", "=").strip('"'),
        "hostname": platform.node(),
        "user": os.getuid(),
    }


def _first(path: str, key: str, separator: str = ":") -> str:
    try:
        with open(path) as file:
            for line in file:
                if line.startswith(key):
                    return line.split(separator, 1)[1].strip()
    except OSError:
        pass
    return "unknown"

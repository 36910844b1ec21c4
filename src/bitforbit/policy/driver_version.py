"""The version of NVIDIA's user-mode driver, which compiles PTX.

It is the number in the name of the libcuda that this process has mapped, else what NVML says, else the kernel module.
"""

import ctypes
import re

NVML = "libnvidia-ml.so.1"
KERNEL_MODULE = "/proc/driver/nvidia/version"


def version() -> tuple[int, ...]:
    """Return the version of the user-mode driver in this process, as `(550, 54, 15)`; empty where nothing tells."""
    return _mapped() or _from_nvml() or _from_kernel()


def parse_version(text: str) -> tuple[int, ...]:
    """Return the first `550.54.15` or `550.54` in `text` as numbers; empty where there is none."""
    found = re.search(r"(?<![\d.])(\d{3,4})\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part) if found else ()


def _mapped() -> tuple[int, ...]:
    with open("/proc/self/maps") as maps:
        for line in maps:
            if "/libcuda.so." in line:
                found = parse_version(line.rsplit("/libcuda.so.", 1)[1])
                if found:
                    return found
    return ()


def _from_nvml() -> tuple[int, ...]:
    try:
        nvml = ctypes.CDLL(NVML)
        text = ctypes.create_string_buffer(96)
        if nvml.nvmlInit_v2() or nvml.nvmlSystemGetDriverVersion(text, 96):
            return ()
        return parse_version(text.value.decode())
    except (OSError, AttributeError):
        return ()


def _from_kernel() -> tuple[int, ...]:
    try:
        with open(KERNEL_MODULE) as file:
            return parse_version(file.read())
    except OSError:
        return ()

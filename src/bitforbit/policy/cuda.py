"""What the CUDA image needs of a host, as data: driver floor, GPU code in the wheel, libraries, the image's variables.

Facts of `tensorflow` 2.21.0 read in the wheel itself carry `wheel` as their source; tests/cuda reads them again there.
"""

from typing import NamedTuple

# CUDA 12 runs on any driver of its first release or later ("minor version compatibility",
# docs.nvidia.com/deploy/cuda-compatibility). The CUDA release that such a driver reports is at least 12.0.
DRIVER_FLOOR = (525, 60, 13)
CUDA_FLOOR = (12, 0)

# Compute capabilities for which every kernel of the wheel has machine code, and the one whose PTX the driver compiles
# (source: wheel, its fat binaries; there is sm_90 machine code for a part of the kernels only). Code for `x.y` runs on
# `x.z` with z >= y; PTX runs on anything newer, after compilation.
MACHINE_CODE = ((6, 0), (7, 0), (8, 0), (8, 9))
PTX = (9, 0)
# From here on TensorFlow 2.21.0 is known to fail (tensorflow/tensorflow#101746, #111958).
TOO_NEW = (10, 0)

ARCHITECTURES = {6: "Pascal", 7: "Volta", 8: "Ampere", 9: "Hopper", 10: "Blackwell", 11: "Blackwell", 12: "Blackwell"}
TURING, ADA = (7, 5), (8, 9)


class Library(NamedTuple):
    """A shared library that TensorFlow opens by name at run time.

    Attributes:
        soname: the name it is opened by.
        wheel: the distribution that brings it.
        folder: where that lies below site-packages.
    """

    soname: str
    wheel: str
    folder: str


# The first group must open for TensorFlow to see a GPU at all; the others are opened when they are first used.
LIBRARIES = (
    Library("libcudart.so.12", "nvidia-cuda-runtime-cu12", "nvidia/cuda_runtime/lib"),
    Library("libcublas.so.12", "nvidia-cublas-cu12", "nvidia/cublas/lib"),
    Library("libcublasLt.so.12", "nvidia-cublas-cu12", "nvidia/cublas/lib"),
    Library("libcudnn.so.9", "nvidia-cudnn-cu12", "nvidia/cudnn/lib"),
    Library("libcufft.so.11", "nvidia-cufft-cu12", "nvidia/cufft/lib"),
    Library("libcusolver.so.11", "nvidia-cusolver-cu12", "nvidia/cusolver/lib"),
    Library("libcusparse.so.12", "nvidia-cusparse-cu12", "nvidia/cusparse/lib"),
    Library("libnccl.so.2", "nvidia-nccl-cu12", "nvidia/nccl/lib"),
    Library("libcupti.so.12", "nvidia-cuda-cupti-cu12", "nvidia/cuda_cupti/lib"),
    Library("libnvJitLink.so.12", "nvidia-nvjitlink-cu12", "nvidia/nvjitlink/lib"),
    Library("libnvrtc.so.12", "nvidia-cuda-nvrtc-cu12", "nvidia/cuda_nvrtc/lib"),
)
# Comes from the host's driver, through nvidia-container-toolkit, never from a wheel.
DRIVER_LIBRARY = "libcuda.so.1"

# Not libraries, but searched for when XLA or a kernel of its own is compiled.
TOOLS = {
    "ptxas": "nvidia/cuda_nvcc/bin/ptxas",
    "libdevice": "nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc",
}

DEVICE_VARIABLE = "BITFORBIT_DEVICE"

# What the CUDA image sets beside the policy's variables. CUDA_VERSION is not among them: with it,
# nvidia-container-toolkit takes an image for one of before 2018.
IMAGE_VARIABLES = {
    "NVIDIA_VISIBLE_DEVICES": "all",
    "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
    "NVIDIA_REQUIRE_CUDA": "cuda>=12.0",
    "CUDA_CACHE_PATH": "/cuda-cache",
    "CUDA_CACHE_MAXSIZE": "4294967296",
    DEVICE_VARIABLE: "gpu",
}

MACHINE, COMPILED, UNSUPPORTED = "machine code", "PTX, compiled by the driver", "unsupported"


def code_for(capability: tuple[int, int]) -> str:
    """Return how the wheel's kernels run on a GPU: `machine code`, `PTX, compiled by the driver` or `unsupported`.

    Args:
        capability: the GPU's compute capability, as `(9, 0)`.
    """
    if any(capability[0] == major and capability[1] >= minor for major, minor in MACHINE_CODE):
        return MACHINE
    return COMPILED if PTX <= capability < TOO_NEW else UNSUPPORTED


def architecture(capability: tuple[int, int]) -> str:
    """Return NVIDIA's name of the architecture, as `Hopper`, or `unknown`."""
    named = {TURING: "Turing", ADA: "Ada Lovelace"}
    return named.get(capability) or ARCHITECTURES.get(capability[0], "unknown")


def spell(version: tuple[int, ...]) -> str:
    """Return a version as NVIDIA writes it: three parts have the last in two digits, as `525.60.13`."""
    if len(version) == 3:
        return f"{version[0]}.{version[1]}.{version[2]:02}"
    return ".".join(map(str, version))

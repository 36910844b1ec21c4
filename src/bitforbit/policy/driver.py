"""Ask NVIDIA's driver which GPUs there are: through libcuda alone, before TensorFlow is loaded.

Functions and codes are those of the CUDA driver API (docs.nvidia.com/cuda/cuda-driver-api).
"""

import ctypes
import json
import os
import subprocess
import sys
from typing import NamedTuple

from bitforbit.errors import HostError
from bitforbit.policy import cuda, driver_version

VISIBLE = "CUDA_VISIBLE_DEVICES"
NO_DEVICE = 100

# CUdevice_attribute and CUdevice_P2PAttribute.
MULTIPROCESSORS, MAJOR, MINOR = 16, 75, 76
PEER_ACCESS, PEER_RANK = 2, 1

ASK = (
    "Next step: start the container with --gpus all (podman: --device nvidia.com/gpu=all; Apptainer: --nv), or ask for"
    " the CPU with --device cpu."
)


class Gpu(NamedTuple):
    """One GPU, or one MIG slice of it, as CUDA sees it.

    Attributes:
        name: NVIDIA's, as `NVIDIA H100 80GB HBM3`.
        capability: compute capability, as `(9, 0)`.
        multiprocessors: number of SMs.
        memory: bytes.
        uuid: 32 hex digits.
        bus: PCI bus id, as `0000:3B:00.0`.
    """

    name: str
    capability: tuple[int, int]
    multiprocessors: int
    memory: int
    uuid: str
    bus: str

    @property
    def architecture(self) -> str:
        """`sm90`, `sm86`: machine code of one does not run on the other."""
        return f"sm{self.capability[0]}{self.capability[1]}"


class Driver(NamedTuple):
    """The driver and its visible GPUs.

    Attributes:
        version: as `(550, 54, 15)`; empty where nothing tells.
        cuda: newest CUDA release it can run, as `(12, 4)`.
        gpus: in the order in which CUDA numbers them.
        peers: for each ordered pair of GPUs `(access, rank)`: whether one reads the other's memory, and how fast.
    """

    version: tuple[int, ...]
    cuda: tuple[int, int]
    gpus: tuple[Gpu, ...]
    peers: tuple[tuple[int, int], ...]


def ask(library: str = cuda.DRIVER_LIBRARY) -> Driver:
    """Return the driver and its visible GPUs, at least one.

    Args:
        library: libcuda, by name or path.

    Raises:
        HostError: no driver, no GPU, or one that cannot be asked; says which and the next step.
    """
    try:
        api = ctypes.CDLL(library)
    except OSError:
        raise HostError(f"expected an NVIDIA GPU, found no driver: {library} cannot be opened. {ASK}") from None
    _initialize(api)
    count = _integer(api, "cuDeviceGetCount")
    if count == 0:
        raise HostError(_no_device())
    devices = [_integer(api, "cuDeviceGet", index) for index in range(count)]
    peers = tuple(
        (_peer(api, PEER_ACCESS, a, b), _peer(api, PEER_RANK, a, b)) for a in devices for b in devices if a != b
    )
    release = _integer(api, "cuDriverGetVersion")
    gpus = tuple(_gpu(api, device) for device in devices)
    return Driver(driver_version.version(), (release // 1000, release % 1000 // 10), gpus, peers)


def ask_apart() -> Driver:
    """Return what `ask` does, asked in a process of its own: CUDA, once started, does not survive a fork.

    Raises:
        HostError: as `ask`.
    """
    command = [sys.executable, "-c", "from bitforbit.policy import driver; driver.main()"]
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise HostError(lines[-1])
    found = json.loads(done.stdout)
    gpus = tuple(Gpu(row[0], tuple(row[1]), *row[2:]) for row in found[2])
    return Driver(tuple(found[0]), tuple(found[1]), gpus, tuple(tuple(pair) for pair in found[3]))


def _initialize(api) -> None:
    status = api.cuInit(0)
    if status == NO_DEVICE:
        raise HostError(_no_device())
    if status:
        raise HostError(
            f"expected an NVIDIA GPU, found a driver that does not start: {_error(api, status)}. Next step: nvidia-smi"
            " on the host; after an update of the driver, restart the host. Or ask for the CPU with --device cpu."
        )


def _no_device() -> str:
    hidden = os.environ.get(VISIBLE)
    if hidden is not None:
        return (
            f"expected an NVIDIA GPU, found none visible: {VISIBLE} is {hidden!r}."
            f" Next step: unset {VISIBLE}, or ask for the CPU with --device cpu."
        )
    return f"expected an NVIDIA GPU, found a driver without one. {ASK}"


def _gpu(api, device: int) -> Gpu:
    name, bus = ctypes.create_string_buffer(256), ctypes.create_string_buffer(32)
    uuid, memory = (ctypes.c_ubyte * 16)(), ctypes.c_size_t()
    _check(api, api.cuDeviceGetName(name, 256, device))
    _check(api, api.cuDeviceGetPCIBusId(bus, 32, device))
    # The second version tells MIG slices apart; drivers before 470 have only the first.
    _check(api, getattr(api, "cuDeviceGetUuid_v2", api.cuDeviceGetUuid)(uuid, device))
    _check(api, api.cuDeviceTotalMem_v2(ctypes.byref(memory), device))
    return Gpu(
        name.value.decode(),
        (_attribute(api, MAJOR, device), _attribute(api, MINOR, device)),
        _attribute(api, MULTIPROCESSORS, device),
        memory.value,
        bytes(uuid).hex(),
        bus.value.decode(),
    )


def _integer(api, function: str, *arguments: int) -> int:
    value = ctypes.c_int()
    _check(api, getattr(api, function)(ctypes.byref(value), *arguments))
    return value.value


def _attribute(api, attribute: int, device: int) -> int:
    return _integer(api, "cuDeviceGetAttribute", attribute, device)


def _peer(api, attribute: int, first: int, second: int) -> int:
    return _integer(api, "cuDeviceGetP2PAttribute", attribute, first, second)


def _check(api, status: int) -> None:
    if status:
        raise HostError(
            f"expected NVIDIA's driver to describe its GPUs, found: {_error(api, status)}. Next step: nvidia-smi"
        )


def _error(api, status: int) -> str:
    text = ctypes.c_char_p()
    known = api.cuGetErrorName(status, ctypes.byref(text)) == 0 and text.value
    return f"{text.value.decode()} ({status})" if known else f"error {status}"


def main() -> None:
    """Print what `ask` returns as JSON, for `ask_apart`."""
    try:
        print(json.dumps(ask()))
    except HostError as error:
        sys.exit(str(error))

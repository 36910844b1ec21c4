"""Which device a run uses, whether this host can give it, and the name of the host's class.

Nothing here falls back in silence: `gpu` without a GPU is an error; `auto` says what it took.
"""

import functools
import hashlib
import os
import sys
from importlib import metadata

from bitforbit.errors import HostError, UsageError
from bitforbit.policy import cuda, driver, host
from bitforbit.policy.driver import Driver

CPU, GPU, AUTO = "cpu", "gpu", "auto"
CHOICES = (AUTO, CPU, GPU)
DRIVER_NODES = ("/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/dxg")


def choose(asked: str | None = None) -> str:
    """Return `cpu` or `gpu`.

    Args:
        asked: `cpu`, `gpu` or `auto`; `None` takes `BITFORBIT_DEVICE` (the CUDA image sets `gpu`), else `cpu`. `auto`
            takes the GPU where a driver is there, and then insists on it.

    Raises:
        UsageError: it is none of these.
    """
    source = "--device" if asked else cuda.DEVICE_VARIABLE
    asked = asked or os.environ.get(cuda.DEVICE_VARIABLE) or CPU
    if asked not in CHOICES:
        raise UsageError(f"expected {source} as one of {', '.join(CHOICES)}, received {asked!r}.")
    if asked != AUTO:
        return asked
    if os.environ.get(driver.VISIBLE) in ("", "-1"):
        taken, why = CPU, f"{driver.VISIBLE} hides every GPU"
    elif any(os.path.exists(node) for node in DRIVER_NODES):
        taken, why = GPU, "an NVIDIA driver is here"
    else:
        taken, why = CPU, "no NVIDIA driver is here"
    print(f"device {taken}: {why}", file=sys.stderr)
    return taken


def require_gpu(count: int = 1, found: Driver | None = None) -> Driver:
    """Return the driver and its GPUs where they can give a GPU class's bits; imports no TensorFlow.

    Args:
        count: how many GPUs the run asks for.
        found: what the driver said, for tests. Defaults to asking it.

    Raises:
        HostError: always with what was expected, what was found and the next step.
    """
    found = found or the_driver()
    _require_cuda_build()
    if (found.version and found.version < cuda.DRIVER_FLOOR) or found.cuda < cuda.CUDA_FLOOR:
        raise HostError(
            f"expected an NVIDIA driver of {cuda.spell(cuda.DRIVER_FLOOR)} or newer, found"
            f" {cuda.spell(found.version) or 'one'} for CUDA {cuda.spell(found.cuda)}."
            " Next step: update the host's driver, or ask for the CPU with --device cpu."
        )
    if len(found.gpus) < count:
        raise HostError(f"expected {count} GPUs, found {len(found.gpus)} visible. Next step: --gpus {len(found.gpus)}")
    for gpu in found.gpus[:count]:
        if cuda.code_for(gpu.capability) == cuda.UNSUPPORTED:
            raise HostError(
                f"expected a GPU that TensorFlow {metadata.version('tensorflow')} has code for (compute capability"
                f" {cuda.spell(cuda.MACHINE_CODE[0])} to {cuda.spell(cuda.PTX)}), found {gpu.name}"
                f" ({cuda.architecture(gpu.capability)}, {cuda.spell(gpu.capability)})."
                " Next step: another GPU, or ask for the CPU with --device cpu."
            )
    if len({(gpu.architecture, gpu.multiprocessors) for gpu in found.gpus[:count]}) > 1:
        raise HostError(
            f"expected {count} GPUs of one kind, found {', '.join(gpu.name for gpu in found.gpus[:count])}."
            f" Next step: name equal ones in {driver.VISIBLE}."
        )
    return found


@functools.cache
def the_driver() -> Driver:
    """Return what the driver says, asked once in this process: `CUDA_VISIBLE_DEVICES` counts when it is first asked."""
    return driver.ask_apart()


def _require_cuda_build() -> None:
    """Refuse the CPU build of TensorFlow, which has no GPU code at all, and a CUDA build without its libraries."""
    try:
        metadata.version("tensorflow")
        for library in cuda.LIBRARIES:
            metadata.version(library.wheel)
    except metadata.PackageNotFoundError as error:
        raise HostError(
            f"expected the packages of requirements-cuda.lock for a GPU, found no {error.name}."
            " Next step: use the CUDA image (make image-cuda), or --device cpu."
        ) from None


def gpu_class(found: Driver, count: int = 1, precision: str = "float32", xla: bool = False) -> str:
    """Return the host class of a GPU, as `gpu-sm90-132-driver-550.54`: what NVIDIA's promises are tied to.

    Several GPUs, mixed precision and XLA each make a class of their own: `-x2-3fa9c0d1`, `-mixed_bfloat16`, `-xla`.
    """
    gpu = found.gpus[0]
    release = ".".join(map(str, found.version[:2])) or "unknown"
    name = f"gpu-{gpu.architecture}-{gpu.multiprocessors}-driver-{release}"
    if count > 1:
        name += f"-x{count}-{topology(found, count)}"
    if precision != "float32":
        name += f"-{precision}"
    return name + ("-xla" if xla else "")


def topology(found: Driver, count: int) -> str:
    """Return 8 hex digits of how the first `count` GPUs reach each other: NCCL orders its sums by that."""
    total = len(found.gpus)
    rows = [found.peers[a * (total - 1) : (a + 1) * (total - 1)] for a in range(total)]
    wanted = [(a, b, *rows[a][b - (b > a)]) for a in range(count) for b in range(count) if a != b]
    return hashlib.sha256(repr(wanted).encode()).hexdigest()[:8]


def host_class(policy) -> str:
    """Return the class that a run under `policy` may claim on this host.

    Raises:
        HostError: the policy asks for a GPU that is not there.
    """
    if policy.device == CPU:
        return host.CPU_CLASS
    return gpu_class(the_driver(), policy.gpus, policy.precision, policy.xla)


def facts(policy) -> dict:
    """Return what `run.json` records of the GPUs; nothing for a run on the CPU."""
    if policy.device == CPU:
        return {}
    found = the_driver()
    gpus = [
        gpu._asdict() | {"capability": cuda.spell(gpu.capability), "code": cuda.code_for(gpu.capability)}
        for gpu in found.gpus[: policy.gpus]
    ]
    return {"driver": cuda.spell(found.version), "driver_cuda": cuda.spell(found.cuda), "gpus": gpus}

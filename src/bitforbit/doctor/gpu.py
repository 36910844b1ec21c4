"""The NVIDIA driver and its GPUs, as nvidia-smi tells of them."""

import csv
import io
from typing import NamedTuple

from bitforbit.doctor.model import FAILURE, NONE, OK, WARNING, Answer, Eye, Finding, version
from bitforbit.policy import cuda

FIELDS = ("index", "name", "uuid", "pci.bus_id", "driver_version", "compute_cap", "memory.total", "mig.mode.current")
QUERY = ("nvidia-smi", f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits")
INSTALL_DRIVER = "sudo apt-get install nvidia-driver"
FLOOR = cuda.spell(cuda.DRIVER_FLOOR)
WITHOUT = "bitforbit train --device cpu"


class Gpu(NamedTuple):
    """One row of nvidia-smi.

    Attributes:
        index: nvidia-smi's number, which is the PCI bus order.
        name: as `NVIDIA H100 80GB HBM3`.
        uuid: as `GPU-5c89852c-...`.
        driver: as `535.104.05`.
        capability: compute capability, as `(9, 0)`; empty where the driver is too old to tell.
        memory: MiB.
        mig: whether it is split into MIG instances.
    """

    index: int
    name: str
    uuid: str
    driver: str
    capability: tuple[int, ...]
    memory: int
    mig: bool


def parse(text: str) -> list[Gpu]:
    """Return the GPUs in the output of `QUERY`; lines of another form are skipped."""
    found = []
    for row in csv.reader(io.StringIO(text), skipinitialspace=True):
        if len(row) != len(FIELDS) or not row[0].isdigit():
            continue
        index, name, uuid, _, driver, capability, memory, mig = row
        found.append(Gpu(int(index), name, uuid, driver, version(capability),
                         int(memory) if memory.isdigit() else 0, mig == "Enabled"))  # fmt: skip
    return found


def present(eye: Eye) -> bool:
    """Whether the machine has an NVIDIA device at all: by PCI vendor (display class), or by its device nodes."""
    if eye.glob("/dev/nvidia[0-9]*") or eye.read("/proc/driver/nvidia/version") is not None:
        return True
    for vendor in eye.glob("/sys/bus/pci/devices/*/vendor"):
        if (eye.read(vendor) or "").strip() == "0x10de":
            kind = (eye.read(vendor.removesuffix("vendor") + "class") or "").strip()
            if kind.startswith("0x03"):
                return True
    return False


def check(eye: Eye, wanted: bool) -> list[Finding]:
    """Return what is to be said of driver and GPUs.

    Args:
        eye: asks the system.
        wanted: a GPU must be there, so that none is a failure.
    """
    answer = eye.run(*QUERY)
    if answer.code == 2 and "not a valid field" in answer.out + answer.err:
        return [_outdated(eye)]
    if answer.code:
        return [_no_driver(eye, answer, wanted)]
    gpus = parse(answer.out)
    if not gpus:
        return [Finding("driver", FAILURE if wanted else NONE, "the driver answers, but shows no GPU", "nvidia-smi -L")]
    return [_driver(gpus[0].driver), *(_architecture(gpu) for gpu in gpus), *_several(gpus), *_hidden(eye, gpus)]


def _no_driver(eye: Eye, answer: Answer, wanted: bool) -> Finding:
    here = present(eye)
    if answer.code == 127:
        state = FAILURE if wanted or here else NONE
        seen = "an NVIDIA GPU is in this machine, but no driver" if here else "no NVIDIA GPU and no driver"
        return Finding("driver", state, seen, INSTALL_DRIVER if here else WITHOUT)
    said = " ".join((answer.out + " " + answer.err).split())
    if "version mismatch" in said:
        return Finding("driver", FAILURE, "kernel module and libraries are of different versions (updated without a"
                       f" restart): {answer.said}", "sudo reboot")  # fmt: skip
    if "couldn't communicate" in said:
        return Finding(
            "driver", FAILURE, "nvidia-smi is here, but the kernel module is not loaded", "sudo modprobe nvidia"
        )
    if "Unknown Error" in said and eye.glob("/.dockerenv"):
        return Finding("driver", FAILURE, "the container lost its GPU (the host's daemon-reload took the device away)",
                       "docker restart CONTAINER")  # fmt: skip
    if "No devices were found" in said:
        return Finding("driver", FAILURE if wanted or here else NONE, "the driver answers, but shows no GPU",
                       "sudo dmesg | grep -i nvrm" if here else "")  # fmt: skip
    return Finding("driver", FAILURE, f"nvidia-smi fails: {answer.said}", "sudo dmesg | grep -i nvrm")


def _outdated(eye: Eye) -> Finding:
    answer = eye.run("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    found = (answer.out.split() or ["of unknown version"])[0]
    return Finding("driver", FAILURE, f"{found} is too old: expected {FLOOR} or later", INSTALL_DRIVER)


def _driver(found: str) -> Finding:
    if version(found) < cuda.DRIVER_FLOOR:
        seen = f"{found} is too old: CUDA 12 needs {FLOOR} or later"
        return Finding("driver", FAILURE, seen, INSTALL_DRIVER)
    return Finding("driver", OK, f"{found} (floor {FLOOR})")


def _architecture(gpu: Gpu) -> Finding:
    """Hold a GPU's architecture against the machine code in TensorFlow's wheel."""
    title, kind = f"gpu {gpu.index}", cuda.architecture(gpu.capability)
    label = f"{gpu.name}, {kind}, compute capability {cuda.spell(gpu.capability)}, {gpu.memory} MiB"
    code = cuda.code_for(gpu.capability)
    if code == cuda.MACHINE:
        return Finding(title, OK, f"{label}: TensorFlow's wheel has machine code for it")
    if code == cuda.COMPILED:
        seen = f"{label}: the driver compiles TensorFlow's PTX for it, so the first start takes up to half an hour"
        fix = f"docker run -v bitforbit-cuda-cache:{cuda.IMAGE_VARIABLES['CUDA_CACHE_PATH']} ..."
        return Finding(title, WARNING, seen, fix)
    why = "too old" if gpu.capability < min(cuda.MACHINE_CODE) else "too new"
    return Finding(title, FAILURE, f"{label}: {why} for this TensorFlow", WITHOUT)


def _several(gpus: list[Gpu]) -> list[Finding]:
    found = []
    if len(gpus) > 1:
        kinds = {(gpu.name, gpu.capability) for gpu in gpus}
        alike = "alike" if len(kinds) == 1 else f"of {len(kinds)} kinds, each a host class of its own"
        found.append(Finding("gpus", WARNING, f"{len(gpus)} GPUs, {alike}: a training uses one",
                             f"docker run --gpus device={gpus[0].index} ..."))  # fmt: skip
    for gpu in gpus:
        if gpu.mig:
            seen = f"gpu {gpu.index} is split into MIG instances: each has fewer SMs, so it is another host class"
            found.append(Finding("mig", WARNING, seen, f"docker run --gpus device={gpu.index}:0 ..."))
    return found


def _hidden(eye: Eye, gpus: list[Gpu]) -> list[Finding]:
    visible = eye.environment("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return []
    wanted = [word.strip() for word in visible.split(",") if word.strip()]
    known = {str(gpu.index) for gpu in gpus} | {gpu.uuid for gpu in gpus}
    kept = []
    for word in wanted:
        if word not in known and not word.startswith("MIG-") and not any(u.startswith(word) for u in known if "-" in u):
            break  # CUDA stops at the first that it does not know
        kept.append(word)
    if kept:
        return [Finding("visible", OK, f"CUDA_VISIBLE_DEVICES={visible}")]
    return [Finding("visible", FAILURE, f"CUDA_VISIBLE_DEVICES={visible or '(empty)'} hides every GPU",
                    "unset CUDA_VISIBLE_DEVICES")]  # fmt: skip

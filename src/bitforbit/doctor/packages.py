"""Installed packages against the lock, and the CUDA libraries that TensorFlow opens at run time."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from bitforbit.doctor.model import FAILURE, NONE, OK, WARNING, Finding
from bitforbit.policy import cuda

ROOT = Path(__file__).resolve().parents[3]
OPEN = "import sys; from bitforbit.policy import gpu_effects; print(*gpu_effects.missing_libraries(sys.argv[1:]))"


def locked(lock: Path) -> dict[str, str]:
    """Return name to version of a lock's requirements; names in the form that PEP 503 compares."""
    found = {}
    for name, number in re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", lock.read_text(), re.MULTILINE):
        found[normal(name)] = number
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, str]:
    return {normal(item.metadata["Name"]): item.version for item in metadata.distributions()}


def lock_file() -> Path | None:
    """The lock of the distribution that is installed: CUDA's where it has NVIDIA's wheels."""
    cuda_here = "nvidia-cudnn-cu12" in installed()
    path = ROOT / ("requirements-cuda.lock" if cuda_here else "requirements.lock")
    return path if path.is_file() else None


def check_lock() -> Finding:
    """Hold what is installed against the lock."""
    lock = lock_file()
    if lock is None:
        return Finding("lock", NONE, "no lock beside the package (an image is built from its own)")
    wanted, found = locked(lock), installed()
    wrong = [f"{name} {found.get(name, 'missing')} (locked {number})" for name, number in wanted.items()
             if found.get(name) != number]  # fmt: skip
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return Finding("lock", FAILURE, f"not what {lock.name} says: {', '.join(wrong[:3])}{more}", "make clean setup")
    return Finding("lock", OK, f"{len(wanted)} packages are those of {lock.name}")


def check_libraries(wanted: bool) -> Finding:
    """Open every CUDA library that TensorFlow opens by name, in a fresh process, as the loader would find it."""
    if "nvidia-cudnn-cu12" not in installed():
        state = FAILURE if wanted else NONE
        return Finding(
            "cuda libraries",
            state,
            "this environment is the CPU one: no CUDA libraries",
            "make image-cuda" if wanted else "",
        )
    names = [library.soname for library in cuda.LIBRARIES]
    done = subprocess.run([sys.executable, "-c", OPEN, *names], capture_output=True, text=True, check=True)
    missing = done.stdout.split()
    if missing:
        # TensorFlow 2.21.0's RUNPATH reaches the wheels' folders but for cusolver's (tensorflow#117538).
        seen = f"the loader does not find {', '.join(missing)}"
        return Finding(
            "cuda libraries", FAILURE if wanted else WARNING, seen, f"export LD_LIBRARY_PATH={library_path()}"
        )
    return Finding("cuda libraries", OK, f"all {len(cuda.LIBRARIES)} that TensorFlow opens are found")


def library_path() -> str:
    """Return the folders of NVIDIA's wheels, as `LD_LIBRARY_PATH` wants them."""
    site = Path(metadata.distribution("nvidia-cudnn-cu12").locate_file(""))
    return ":".join(sorted(str(path) for path in site.glob("nvidia/*/lib")))

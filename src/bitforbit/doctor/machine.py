"""The machine itself: CPU level, memory, disk, C library."""

import os
import platform
import shutil
import tempfile

from bitforbit.doctor.model import FAILURE, OK, WARNING, Eye, Finding
from bitforbit.errors import HostError
from bitforbit.policy import host

GIB = 1 << 30
# A training of `digits` peaks near 1 GiB (VmHWM); the environment takes 2 GiB of disk, an image build 8.
MEMORY, DISK = 2 * GIB, 4 * GIB


def check(eye: Eye) -> list[Finding]:
    """Return what is to be said of CPU, memory and disk."""
    return [_cpu(), _memory(eye), *_disk()]


def _cpu() -> Finding:
    try:
        host.require_level_v3()
    except HostError as error:
        return Finding(
            "cpu", FAILURE, str(error).partition(". Next step")[0], "run on an x86-64 Linux host with AVX2 and FMA"
        )
    facts = host.facts()
    seen = f"{facts['cpu']} ({facts['cpu_signature']}), level x86-64-v3, {facts['cores_usable']} of"
    return Finding(
        "cpu", OK, f"{seen} {facts['cores_online']} cores usable, {host.libc()}, Python {platform.python_version()}"
    )


def _memory(eye: Eye) -> Finding:
    """The smaller of what the kernel calls available and what the control group leaves."""
    rows = dict(line.split(":", 1) for line in (eye.read("/proc/meminfo") or "").splitlines() if ":" in line)
    free = int(rows.get("MemAvailable", "0 kB").split()[0]) * 1024
    limit = (eye.read("/sys/fs/cgroup/memory.max") or "max").strip()
    if limit.isdigit():
        used = (eye.read("/sys/fs/cgroup/memory.current") or "0").strip()
        free = min(free, int(limit) - int(used))
    seen = f"{free / GIB:.1f} GiB available"
    if free < MEMORY:
        return Finding(
            "memory",
            WARNING,
            f"{seen}: a training may be killed below {MEMORY / GIB:.0f} GiB",
            "docker run --memory 4g ...",
        )
    return Finding("memory", OK, seen)


def _disk() -> list[Finding]:
    found = []
    folders = {"runs": os.environ.get("BITFORBIT_RUNS") or ".", "temporary": tempfile.gettempdir()}
    for title, folder in folders.items():
        try:
            free = shutil.disk_usage(folder).free
        except OSError as error:
            found.append(Finding(f"disk ({title})", FAILURE, f"{folder}: {error.strerror}", f"mkdir -p {folder}"))
            continue
        seen = f"{free / GIB:.1f} GiB free in {os.path.abspath(folder)}"
        if not os.access(folder, os.W_OK | os.X_OK):
            found.append(
                Finding(
                    f"disk ({title})",
                    WARNING,
                    f"{os.path.abspath(folder)} cannot be written",
                    "bitforbit train --runs FOLDER",
                )
            )
        elif free < DISK and title == "runs":
            found.append(Finding(f"disk ({title})", WARNING, f"{seen}: little for runs and images", "docker system df"))
        else:
            found.append(Finding(f"disk ({title})", OK, seen))
    return found

"""What may be the cause of another result: facts of this process that a trace records and a comparison ranks."""

import hashlib
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from bitforbit.policy import host, knobs
from bitforbit.policy.model import POOL_SIZE_VARIABLE

# Names the folder of a trace in a script's silent run; see `scripts`.
TRACE_TO = "BITFORBIT_TRACE_TO"
_MORE = (
    TRACE_TO, POOL_SIZE_VARIABLE, "BITFORBIT_RELAUNCHED", "MKL_NUM_THREADS", "TF_ENABLE_TENSOR_FLOAT_32",
    "NVIDIA_TF32_OVERRIDE", "LD_PRELOAD", "MALLOC_PERTURB_", "PYTHONOPTIMIZE",
)  # fmt: skip


def variables() -> dict[str, str]:
    """Return the environment variables that can decide bits, as they stand."""
    names = [knob.name for knob in knobs.KNOBS if knob.is_environment]
    return {name: os.environ[name] for name in (*names, *knobs.MUST_STAY_UNSET, *_MORE) if name in os.environ}


def record(source: Path | None = None) -> dict:
    """Return the facts, in words that a comparison prints.

    Args:
        source: a file of the user's code, for its commit.
    """
    return {
        "variables": variables(),
        "thread_pools": _pools(),
        "host": host.facts(),
        "libm": _mapped("libm.so"),
        "kernels": _mapped("libbitforbit_kernels.so"),
        "driver": _driver(),
        "packages": packages(),
        "commit": commit(source.parent if source else Path.cwd()),
        "image": os.environ.get("BITFORBIT_IMAGE", "none"),
    }


def packages() -> dict[str, str]:
    """Return the version of every installed distribution: what the lock says, read from what is there."""
    found = {(item.metadata["Name"] or "?").lower(): item.version for item in metadata.distributions()}
    return dict(sorted(found.items()))


def commit(folder: Path) -> str:
    """Return the commit of the work tree that holds `folder`, `+changes` where files differ from it, else `none`."""
    try:
        command = ["git", "-C", str(folder), "describe", "--always", "--dirty=+changes", "--abbrev=40", "--exclude=*"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return "none"
    return done.stdout.strip() if done.returncode == 0 else "none"


def rerun() -> dict:
    """Return how to start this process again, so that it traces."""
    words = [sys.executable, *sys.orig_argv[1:]]
    if "train" in words:
        # `trace` trains with digests only.
        words = ["--to" if word == "--trace" else "trace" if word == "train" else word for word in words]
        words = [word for word in words if word != "--force"]
    return {"command": words, "folder": os.getcwd(), "variables": variables()}


def _pools() -> str:
    from bitforbit.policy import pools

    if pools._measured is None:
        return "not measured"
    return f"{pools._measured.intra_op} intra-op and {pools._measured.inter_op} inter-op threads"


def _mapped(name: str) -> str:
    """Return the SHA-256 (16 digits) of a shared library of this process, by the start of its file's name."""
    with open("/proc/self/maps") as file:
        paths = {line.split()[-1] for line in file if f"/{name}" in line}
    try:
        return " ".join(sorted(hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16] for path in paths)) or "none"
    except OSError:
        return "unreadable"


def _driver() -> str:
    try:
        return Path("/proc/driver/nvidia/version").read_text().splitlines()[0].strip()
    except OSError:
        return "none"

"""Where runs are kept: find a folder that can be written, stage beside the target, sweep what a kill left."""

import contextlib
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bitforbit.errors import UsageError
from bitforbit.evidence import runs

RUNS_VARIABLE = "BITFORBIT_RUNS"


def root(option: str | None) -> tuple[Path, str]:
    """Return the folder of all runs and a line for the user (empty: nothing to say).

    `--runs` wins over `BITFORBIT_RUNS`, and that over `runs`. In an image that was started read-only and without a
    volume there is nowhere to keep a run: then a temporary folder is used and the line says so.
    """
    folder = Path(option or os.environ.get(RUNS_VARIABLE) or "runs")
    if option or folder.parent != Path("/") or not folder.is_dir() or os.access(folder, os.W_OK | os.X_OK):
        return folder, ""
    if os.path.ismount(folder):
        return folder, ""
    aside = Path(tempfile.gettempdir()) / "bitforbit-runs"
    return (
        aside,
        f"{folder} cannot be written here: the run goes to {aside} and is lost with the container"
        f" (mount a folder on {folder} to keep it)",
    )


def prepare(folder: Path) -> None:
    """Make `folder` and prove that files can be made in it, before any training; sweep leftovers of dead processes.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"expected to write runs into {folder}, found: {error.strerror}. Next step: --runs FOLDER;"
            ' with docker, mkdir -p runs and --user "$(id -u):$(id -g)"'
        ) from None
    sweep(folder)


def sweep(folder: Path) -> None:
    """Remove what a dead process of this host has staged in `folder`."""
    for leftover in folder.glob(f".staged-*-{platform.node()}-*"):
        if not _alive(leftover.name.rsplit("-", 1)[1]):
            shutil.rmtree(leftover, ignore_errors=True)


def stage(target: Path) -> Path:
    """Make an empty folder beside `target`, on the same file system, with the mode that the umask gives."""
    folder = staged(target)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def staged(target: Path) -> Path:
    """Return the folder in which this process prepares `target`; `prepare` sweeps it once the process is dead."""
    return target.with_name(f".staged-{target.name}-{platform.node()}-{os.getpid()}")


@contextlib.contextmanager
def beside(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target`; remove it afterwards, and what dead processes left there before."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target.parent)
    folder = stage(target)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put(whole: Path, target: Path) -> None:
    """Move a folder to `target` on the same file system; what stood there makes way."""
    older = staged(target.with_name(f"{target.name}-older"))
    if target.exists():
        os.rename(target, older)
    os.rename(whole, target)
    shutil.rmtree(older, ignore_errors=True)


def keep_diverged(staged: Path, target: Path) -> Path:
    """Publish the evidence of a run that diverged as `seed-<n>.diverged`, by the rules of any other run.

    Raises:
        EvidenceError: the seed diverged with other bits before. Both are kept.
    """
    return runs.publish(staged, target.with_name(f"{target.name}.diverged"))


def command_line() -> list[str]:
    return ["bitforbit", *sys.argv[1:]]


def _alive(process: str) -> bool:
    return os.path.exists(f"/proc/{process}")


def since_start(moment: float) -> float:
    """Return the seconds from this process's start, the launcher's new start included, to a monotonic `moment`."""
    with open("/proc/self/stat") as file:
        ticks = int(file.read().rsplit(")", 1)[1].split()[19])
    started = ticks / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started - (time.monotonic() - moment)

"""Write many files into a folder that is in use: all of them or none, and none in the place of another."""

import errno
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

ASIDE = ".bitforbit-init-"
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def write(files: dict[str, Path | str], folder: Path) -> None:
    """Write every file, or none: made aside, then linked into place, which never replaces a file.

    After a kill that nobody can catch, the next call clears what was aside and writes the rest.

    Args:
        files: content by path in the folder; a `Path` is copied, with its mode.
        folder: where to.

    Raises:
        OSError: a file could not be written, or one stands in its place; nothing was left.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # as Ctrl-C: an exception
    for left in folder.glob(f"{ASIDE}*"):
        if not Path("/proc", left.name.removeprefix(ASIDE).partition("-")[0]).exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{ASIDE}{os.getpid()}-", dir=folder) as aside:
        for name, content in files.items():
            staged = Path(aside, name)
            staged.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                shutil.copy(content, staged)
            else:
                staged.write_text(content, encoding="utf-8")
        # Between a link and the note of it a signal would leave the file; the links take some milliseconds.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            _place(Path(aside), files, folder)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _place(aside: Path, files, folder: Path) -> None:
    made: list[Path] = []
    try:
        for name in files:
            for parent in reversed(Path(name).parents[:-1]):
                if not (folder / parent).is_dir():
                    (folder / parent).mkdir()
                    made.append(folder / parent)
            _link(aside / name, folder / name, made)
    except BaseException:
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink()
        raise


def _link(staged: Path, target: Path, made: list[Path]) -> None:
    try:
        os.link(staged, target)
        made.append(target)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        with open(target, "xb") as file:  # a file system without hard links
            made.append(target)
            file.write(staged.read_bytes())
        shutil.copymode(staged, target)

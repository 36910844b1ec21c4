"""Start a command with its output kept in files, wait for it, and leave no process behind however that ends."""

import contextlib
import os
import shutil
import subprocess
import threading
from pathlib import Path

from bitforbit.diagnosis.said import last_words
from bitforbit.errors import UsageError

TIMED_OUT, STOPPED = "did not end", "interrupted"


class Processes:
    """The processes that are under way, each a group of its own."""

    def __init__(self):
        self._lock = threading.Lock()
        self._live: set[int] = set()
        self._stopped = False

    def execute(self, command: list[str], variables: dict[str, str], folder: Path, timeout: float) -> str:
        """Run a command, its output kept in `folder`; return why it failed, or an empty text."""
        if not shutil.which(command[0]):
            raise UsageError(f"expected {command[0]} on PATH, found none")
        with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
            with self._lock:
                if self._stopped:
                    return STOPPED
                process = subprocess.Popen(
                    command, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
                )
                self._live.add(process.pid)
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                return f"{TIMED_OUT} within {timeout:.0f} s (--timeout)"
            finally:
                self._end(process)
        if code == 0:
            return ""
        if self._stopped:
            return STOPPED
        lines = [line.strip() for line in (folder / "stderr").read_text(errors="replace").splitlines() if line.strip()]
        return f"exit {code}: {last_words(lines)}"

    def stop(self) -> None:
        """End all of them, and start no other."""
        with self._lock:
            self._stopped = True
            for group in self._live:
                _kill(group)

    def _end(self, process) -> None:
        with self._lock:
            self._live.discard(process.pid)
        if process.poll() is None:
            _kill(process.pid)
            process.wait()


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, 9)

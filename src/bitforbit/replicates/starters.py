"""Two ways to start a replicate in a process of its own on this machine: forked from a warm parent, or a new one."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from bitforbit.errors import HostError
from bitforbit.replicates import contract


class Ended(NamedTuple):
    """A process that ended: the number it was started under, and its exit code, negative for a signal."""

    number: int
    code: int


def environment() -> dict[str, str]:
    return os.environ | {contract.PARENT_VARIABLE: str(os.getpid())}


class Fresh:
    """Starts a new interpreter for each replicate."""

    def __init__(self, task: contract.Task):
        self.task = task
        self.running: dict[int, subprocess.Popen] = {}

    def start(self, number: int, seed: int, root: Path, log: Path) -> None:
        words = self.task._replace(root=str(root)).arguments(seed)
        with open(log, "wb") as out:
            self.running[number] = subprocess.Popen(
                [sys.executable, "-m", "bitforbit", *words],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment(), start_new_session=True,
            )  # fmt: skip

    def ended(self) -> list[Ended]:
        found = [Ended(number, process.poll()) for number, process in self.running.items()]
        found = [ended for ended in found if ended.code is not None]
        for ended in found:
            del self.running[ended.number]
        return found

    def stop(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()
        self.running.clear()


class Warm:
    """Forks each replicate from a parent that has imported TensorFlow; see `bitforbit.replicates.warm`.

    A parent that dies takes its children with it; the next replicate gets a new one.
    """

    RESTARTS = 3

    def __init__(self, task: contract.Task):
        self.task = task
        self.parent: subprocess.Popen | None = None
        self.running: set[int] = set()
        self.received = b""
        self.started = 0

    def start(self, number: int, seed: int, root: Path, log: Path) -> None:
        if self.parent is None:
            self._launch()
        self.running.add(number)
        order = {"id": number, "seed": seed, "root": str(root), "log": str(log)}
        try:
            self.parent.stdin.write(json.dumps(order).encode() + b"\n")
            self.parent.stdin.flush()
        except BrokenPipeError:
            pass  # `ended` finds it dead

    def ended(self) -> list[Ended]:
        if self.parent is None:
            return []
        died = self.parent.poll() is not None
        found = [
            Ended(message["id"], os.waitstatus_to_exitcode(message["status"]))
            for message in self._messages()
            if "id" in message
        ]
        self.running -= {ended.number for ended in found}
        if died:
            found += [Ended(number, self.parent.returncode or 1) for number in self.running]
            if self.parent.returncode > 0 or self.started > self.RESTARTS:
                raise HostError(
                    "expected a warm parent to fork replicates, found it ended:"
                    f" {self.errors().strip().splitlines()[-1:]}. Next step: --fresh"
                )
            self.running.clear()
            self._close()
        return found

    def stop(self) -> None:
        if self.parent is not None:
            self.parent.kill()
            self._close()

    def _launch(self) -> None:
        self.started += 1
        self.errors_file = os.memfd_create("warm-errors")
        self.parent = subprocess.Popen(
            [sys.executable, "-m", "bitforbit.replicates.warm", json.dumps(self.task)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors_file, env=environment(),
            start_new_session=True,
        )  # fmt: skip
        os.set_blocking(self.parent.stdout.fileno(), False)

    def errors(self) -> str:
        with open(f"/proc/self/fd/{self.errors_file}", errors="replace") as file:
            return file.read()

    def _messages(self) -> list[dict]:
        try:
            while chunk := os.read(self.parent.stdout.fileno(), 65536):
                self.received += chunk
        except BlockingIOError:
            pass
        *lines, self.received = self.received.split(b"\n")
        return [json.loads(line) for line in lines]

    def _close(self) -> None:
        self.parent.wait()
        self.parent.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self.parent.stdin.close()
        os.close(self.errors_file)
        self.parent, self.received = None, b""

"""What is diagnosed, run as a child process under one change; and its outcome, which is digests and nothing else."""

import os
import shutil
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.trace import environment as recorded
from bitforbit.diagnosis.trace import stored
from bitforbit.diagnosis.vary import evidence as left
from bitforbit.diagnosis.vary import seal
from bitforbit.diagnosis.vary.change import Change, command_line, environment
from bitforbit.diagnosis.vary.process import Processes
from bitforbit.errors import UsageError
from bitforbit.policy import Policy

CHILD = "bitforbit.diagnosis.vary.child"
# Bytes free below which no run is begun: a run without room looks like a subject that fails.
ROOM = 32 << 20


@dataclass(frozen=True)
class Subject:
    """A command of `bitforbit`, or a program, that takes `--runs FOLDER` and leaves a `result.json` in it.

    Attributes:
        name: of the experiment or script, for people.
        file: its source, where it is a file; lines of this folder are "the user's".
        words: the command: `("train", "/path/tiny.py", "--seed", "1")`; paths absolute.
        after: words that come last whatever is added: `--` and a script's own arguments.
        prefix: words before the interpreter in every run, as those that give it its standard input.
    """

    name: str
    file: Path | None
    words: tuple[str, ...]
    after: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()

    @property
    def is_program(self) -> bool:
        """A program of its own, which `bitforbit` does not start."""
        return self.words[0].endswith(".py")

    @property
    def can_trace(self) -> bool:
        return not self.is_program

    def traced(self, folder: Path) -> tuple[tuple[str, ...], dict[str, str]]:
        """Return the words and the variables of a run with digests, which go to `folder`."""
        if self.words[0] == "train":
            return ("trace", *self.words[1:], "--to", str(folder), "--no-observer-check", "--json"), {}
        return self.words, {recorded.TRACE_TO: str(folder)}


class Outcome(NamedTuple):
    """What one run gave.

    Attributes:
        label: which run.
        change: what was changed.
        digest: SHA-256 of what must be equal, or `""` where the run failed.
        failure: last line of a failed run's messages, else `""`.
        folder: where its `result.json` stands, else `None`.
        seconds: wall time.
        command: the complete line that repeats it.
        trace: folder of the digests of its steps, where it left some.
    """

    label: str
    change: Change
    digest: str
    failure: str
    folder: Path | None
    seconds: float
    command: str
    trace: Path | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.digest, self.failure


class Runner:
    """Runs a subject under changes, at most `jobs` at a time.

    Args:
        subject: what to run.
        policy: the policy of every run.
        work: an existing folder for the runs.
        jobs: runs side by side.
        timeout: seconds before a run counts as one that does not end.
        report: called with each `Outcome`, as it comes.

    Raises:
        UsageError: there is no room for the runs, before one or after one that failed.
    """

    def __init__(self, subject: Subject, policy: Policy, work: Path, jobs: int = 1, timeout: float = 3600, report=None):
        self.subject, self.policy, self.work = subject, policy, work
        self.jobs, self.timeout, self.report = jobs, timeout, report or (lambda outcome: None)
        self.library = str(seal.library())
        self.outcomes: list[Outcome] = []
        self._lock = threading.Lock()
        self._processes = Processes()
        self._known: dict[str, str] = {}

    def run(self, label: str, change: Change, sealed: bool = True, traced: bool = False) -> Outcome:
        """Run once under `change`; `sealed` puts the seal under it, `traced` makes digests of every step."""
        self._require_room()
        folder = self._folder()
        own, added = self.subject.traced(folder / "trace") if traced else (self.subject.words, {})
        module = ["-m", CHILD] if sealed else [] if self.subject.is_program else ["-m", "bitforbit"]
        words = [sys.executable, *module, *own]
        if sealed:
            change = Change({"LD_PRELOAD": self.library}) | change
        start, after = [*self.subject.prefix, *change.prefix], self.subject.after
        command = [*start, *words, "--runs", str(folder / "runs"), *change.options, *after]
        began = time.monotonic()
        variables = environment(change, self.policy) | added
        failure = self._processes.execute(command, variables, folder, self.timeout)
        digest, failure, evidence, trace = left.read(folder, failure)
        if failure:
            # A full disk is no property of the subject.
            self._require_room()
        if trace:
            # How this very run is started again, under its seal and its change.
            command[0] = shutil.which(command[0]) or command[0]
            stored.amend(trace, rerun={"command": command, "folder": os.getcwd(), "variables": left.given(variables)})
        with self._lock:
            if traced:
                digest = self._known.get(left.trained(evidence, digest), digest)
            elif evidence:
                self._known[left.trained(evidence)] = digest
        shown = command_line(change, words, self.subject.prefix, after)
        seconds = time.monotonic() - began
        outcome = Outcome(label, change, digest, failure, evidence, seconds, shown, trace)
        with self._lock:
            self.outcomes.append(outcome)
        self.report(outcome)
        return outcome

    def run_all(self, jobs: list["Job"]) -> list[Outcome]:
        """Run several, side by side where `jobs` allows; outcomes in the order given."""
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                return list(pool.map(lambda job: self.run(*job), jobs))
            except BaseException:
                # Leaving the pool waits for its threads, and these for the runs.
                self._processes.stop()
                raise

    def _require_room(self) -> None:
        free = shutil.disk_usage(self.work).free
        if free < ROOM:
            raise UsageError(
                f"expected {ROOM >> 20} MiB of room for the runs in {self.work}, found {free / 2**20:.1f} MiB."
                " Next step: free some space, or --keep FOLDER on another disk"
            )

    def _folder(self) -> Path:
        with self._lock:
            folder = self.work / f"run-{len(list(self.work.glob('run-*'))):02}"
            folder.mkdir()
        # Another user writes here too.
        folder.chmod(0o777)
        return folder


class Job(NamedTuple):
    """Arguments of `Runner.run`."""

    label: str
    change: Change
    sealed: bool = True
    traced: bool = False

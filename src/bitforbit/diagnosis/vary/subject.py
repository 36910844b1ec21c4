"""What is diagnosed, run as a child process under one change; and its outcome, which is digests and nothing else."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.vary import seal
from bitforbit.diagnosis.vary.change import Change, command_line, environment
from bitforbit.errors import UsageError
from bitforbit.evidence import canonical
from bitforbit.policy import Policy

CHILD = "bitforbit.diagnosis.vary.child"
# What a change of surroundings alone may change in result.json.
NOT_OUTCOME = ("policy", "host_class", "config_hash")
TIMED_OUT = "did not end"


@dataclass(frozen=True)
class Subject:
    """A command of `bitforbit`, or a program, that takes `--runs FOLDER` and leaves a `result.json` in it.

    Attributes:
        name: of the experiment or script, for people.
        file: its source, where it is a file; lines of this folder are "the user's".
        words: the command: `("train", "/path/tiny.py", "--seed", "1")`; paths absolute.
        after: words that come last whatever is added: `--` and a script's own arguments.
    """

    name: str
    file: Path | None
    words: tuple[str, ...]
    after: tuple[str, ...] = ()


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
    """

    label: str
    change: Change
    digest: str
    failure: str
    folder: Path | None
    seconds: float
    command: str

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
    """

    def __init__(self, subject: Subject, policy: Policy, work: Path, jobs: int = 1, timeout: float = 3600, report=None):
        self.subject, self.policy, self.work = subject, policy, work
        self.jobs, self.timeout, self.report = jobs, timeout, report or (lambda outcome: None)
        self.library = str(seal.library())
        self.outcomes: list[Outcome] = []
        self._lock = threading.Lock()

    def run(self, label: str, change: Change, sealed: bool = True) -> Outcome:
        """Run once under `change`; `sealed` puts the seal under it."""
        with self._lock:
            number = len(list(self.work.glob("run-*")))
            folder = self.work / f"run-{number:02}"
            folder.mkdir()
        # Another user writes here too.
        folder.chmod(0o777)
        module = ["-m", CHILD] if sealed else [] if self.subject.words[0].endswith(".py") else ["-m", "bitforbit"]
        words = [sys.executable, *module, *self.subject.words]
        if sealed:
            change = Change({"LD_PRELOAD": self.library}) | change
        command = [*change.prefix, *words, "--runs", str(folder / "runs"), *change.options, *self.subject.after]
        began = time.monotonic()
        failure = _execute(command, environment(change, self.policy), folder, self.timeout)
        result = next(iter(sorted(folder.glob("runs/**/result.json"))), None)
        if result and failure.startswith("exit 3: "):
            failure = ""
        digest = "" if failure or not result else outcome_digest(json.loads(result.read_bytes()))
        if not failure and not result:
            failure = "left no result.json"
        shown = command_line(change, [*words, *self.subject.after])
        outcome = Outcome(label, change, digest, failure, result.parent if result else None,
                          time.monotonic() - began, shown)  # fmt: skip
        with self._lock:
            self.outcomes.append(outcome)
        self.report(outcome)
        return outcome

    def run_all(self, jobs: list["Job"]) -> list[Outcome]:
        """Run several, side by side where `jobs` allows; outcomes in the order given."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(lambda job: self.run(*job), jobs))


class Job(NamedTuple):
    """Arguments of `Runner.run`."""

    label: str
    change: Change
    sealed: bool = True


def outcome_digest(result: dict) -> str:
    """Return the digest of a `result.json` without what only describes the surroundings."""
    return canonical.digest({key: value for key, value in result.items() if key not in NOT_OUTCOME})


def _execute(command: list[str], variables: dict[str, str], folder: Path, timeout: float) -> str:
    """Run a command, its output kept in `folder`; return why it failed, or an empty text."""
    if not shutil.which(command[0]):
        raise UsageError(f"expected {command[0]} on PATH, found none")
    with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
        process = subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            return f"{TIMED_OUT} within {timeout:.0f} s"
        except BaseException:
            os.killpg(process.pid, 9)
            process.wait()
            raise
    if code == 0:
        return ""
    lines = [line.strip() for line in (folder / "stderr").read_text(errors="replace").splitlines() if line.strip()]
    return f"exit {code}: {lines[-1] if lines else 'no message'}"

"""What is diagnosed, run as a child process under one change; and its outcome, which is digests and nothing else."""

import json
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
from bitforbit.diagnosis.trace import store
from bitforbit.diagnosis.vary import seal
from bitforbit.diagnosis.vary.change import Change, command_line, environment
from bitforbit.diagnosis.vary.process import Processes
from bitforbit.evidence import canonical
from bitforbit.evidence.runs import RESULT
from bitforbit.policy import Policy

CHILD = "bitforbit.diagnosis.vary.child"
# What a change of surroundings alone may change in result.json.
NOT_OUTCOME = ("policy", "host_class", "config_hash")
NOTHING = "it trained nothing that could be compared: no fit, and no built Keras model among its global names"


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
        """A program of its own, which `bitforbit` neither starts nor traces."""
        return self.words[0].endswith(".py")

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
        digest, failure, evidence, trace = _evidence(folder, failure)
        if trace:
            # How this very run is started again, under its seal and its change.
            command[0] = shutil.which(command[0]) or command[0]
            store.amend(trace, rerun={"command": command, "folder": os.getcwd(), "variables": _set(variables)})
        with self._lock:
            if traced:
                digest = self._known.get(_trained(evidence, digest), digest)
            elif evidence:
                self._known[_trained(evidence)] = digest
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


def outcome_digest(result: dict) -> str:
    """Return the digest of a `result.json` without what only describes the surroundings."""
    return canonical.digest({key: value for key, value in result.items() if key not in NOT_OUTCOME})


def _set(variables: dict[str, str]) -> dict[str, str]:
    """Leave out what the caller's environment holds as it is: a trace that is kept is no place for secrets."""
    deciding = recorded.variables()
    return {name: value for name, value in variables.items() if name in deciding or os.environ.get(name) != value}


def _trained(evidence: Path | None, told: str = "") -> str:
    """Return a digest of what a training left, the same with digests of steps and without.

    Args:
        evidence: folder of its `result.json`. A script's also tells what ops it has, to which digests add their own.
        told: the digest of the whole file, where nothing was published: an experiment with digests only trains.
    """
    if evidence is None:
        return told
    result = json.loads((evidence / RESULT).read_bytes())
    if "fits" not in result:
        return canonical.file_digest(evidence / RESULT)
    return canonical.digest({key: result[key] for key in ("fits", "models", "exit_code", "epoch_digests")})


def _evidence(folder: Path, failure: str) -> tuple[str, str, Path | None, Path | None]:
    """Return what a run left in its folder: digest, why it counts as failed, folder of its evidence, its trace."""
    trace = folder / "trace" if (folder / "trace" / "trace.json").is_file() else None
    path = next(iter(sorted(folder.glob(f"runs/**/{RESULT}"))), None)
    if path is None:
        if trace and not failure:
            return json.loads((folder / "stdout").read_bytes())["observer"]["traced"], "", None, trace
        return "", failure or "left no result.json", None, trace
    result = json.loads(path.read_bytes())
    if "fits" in result and not (result["fits"] or result["models"]) and not failure:
        return "", NOTHING, path.parent, trace
    # A training that diverges does so again; a script may end with a code of its own.
    if failure.startswith("exit 3: ") or (result.get("status") == "exited" and (result["fits"] or result["models"])):
        failure = ""
    return "" if failure else outcome_digest(result), failure, path.parent, trace

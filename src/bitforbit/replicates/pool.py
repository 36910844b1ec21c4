"""The local pool: trains what is missing, a few replicates at a time, and audits some of them a second time."""

import math
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, Protocol

from bitforbit.errors import EvidenceError, HostError
from bitforbit.evidence import canonical, runs
from bitforbit.replicates import collect, contract, starters
from bitforbit.training import store

ATTEMPTS = 3
TICK = 0.05
LEAST_FREE = 1 << 20


class Counts(NamedTuple):
    """Where a pool stands: numbers of replicates, and seconds left (`None`: not known yet)."""

    total: int
    done: int
    running: int
    failed: int
    diverged: int
    audited: int
    audits: int
    left: float | None


class Report(Protocol):
    def __call__(self, counts: Counts, event: str) -> None:
        """Hear of the pool; `event` is a line on what just ended, empty on a tick."""


class Job(NamedTuple):
    """One training to do: a replicate, or (`audit`) a replicate once more, apart from the runs."""

    seed: int
    audit: bool = False
    attempt: int = 1


class Pool:
    """Runs the replicates of one task.

    Args:
        task: the configuration.
        jobs: how many replicates at a time.
        fresh: start a new interpreter for each, instead of forking from a warm parent.
        report: hears of the progress.
        meanwhile: called once, after the first starts: what the caller can prepare while a core is still idle.
    """

    def __init__(self, task: contract.Task, jobs: int, fresh: bool, report: Report, meanwhile=lambda: None):
        self.task, self.jobs, self.report, self.meanwhile = task, jobs, report, meanwhile
        # An audit begins from another start than its replicate: a new interpreter, whatever the replicates had.
        self.fresh = starters.Fresh(task)
        self.starter = self.fresh if fresh else starters.Warm(task)
        self.running: dict[int, tuple[Job, object]] = {}
        self.mismatches: list[str] = []
        self.audited = self.trained = 0
        self.started = time.monotonic()

    def run(self, seeds: list[int], audit: float = 0.0) -> None:
        """Train every seed that has neither finished nor diverged, then train a share of all again.

        Args:
            seeds: ascending.
            audit: share of the seeds to audit, 0 to 1, rounded up.

        Raises:
            HostError: the disk is full, or replicates cannot be started here.
        """
        folder = self.task.folder(0).parent
        store.prepare(folder)
        found = {replicate.seed: replicate for replicate in self.task.collect(seeds)}
        todo = [Job(seed) for seed in seeds if found[seed].status in (collect.MISSING, collect.FAILED)]
        self.found, self.audits = found, audited_seeds(self.task.config_hash, seeds, audit)
        waiting = todo + [Job(seed, audit=True) for seed in self.audits if found[seed].status == collect.FINISHED]
        with tempfile.TemporaryDirectory(prefix="bitforbit-pool-") as scratch:
            self.scratch, self.number = Path(scratch), 0
            try:
                self._fill(waiting)
                self.meanwhile()
                while self.running:
                    time.sleep(TICK)
                    for ended in self.starter.ended() + ([] if self.starter is self.fresh else self.fresh.ended()):
                        waiting += self._end(ended, folder)
                    self.report(self.counts(), "")
                    self._fill(waiting)
            finally:
                self.starter.stop()
                self.fresh.stop()
        store.prepare(folder)

    def counts(self) -> Counts:
        statuses = [replicate.status for replicate in self.found.values()]
        done, diverged = statuses.count(collect.FINISHED), statuses.count(collect.DIVERGED)
        failed = statuses.count(collect.FAILED)
        todo = statuses.count(collect.MISSING) + len(self.audits) - self.audited
        pace = (time.monotonic() - self.started) / self.trained if self.trained else None
        return Counts(
            len(statuses),
            done,
            len(self.running),
            failed,
            diverged,
            self.audited,
            len(self.audits),
            pace and todo * pace,
        )

    def _fill(self, waiting: list[Job]) -> None:
        while waiting and len(self.running) < self.jobs:
            self._start(waiting.pop(0))

    def _start(self, job: Job) -> None:
        self.number += 1
        log = self.scratch / f"{self.number}.log"
        root = Path(self.task.root)
        if job.audit:
            root = store.stage(self.task.folder(job.seed).with_name(f"audit-{job.seed}"))
        self.running[self.number] = (job, log)
        (self.fresh if job.audit else self.starter).start(self.number, job.seed, root, log)

    def _end(self, ended: starters.Ended, folder: Path) -> list[Job]:
        """Take in what a process left; returns what is to be done because of it."""
        job, log = self.running.pop(ended.number)
        if ended.code < 0 and job.attempt < ATTEMPTS:
            self.report(self.counts(), f"seed {job.seed}: killed by signal {-ended.code}, starts again")
            return [job._replace(attempt=job.attempt + 1)]
        self.trained += 1
        if job.audit:
            self._hold(job, ended.code)
            return []
        (replicate,) = self.task.collect([job.seed])
        if replicate.status == collect.MISSING or (replicate.status == collect.FAILED and ended.code < 0):
            how = f"killed by signal {-ended.code}, {ATTEMPTS} times" if ended.code < 0 else f"exit {ended.code}"
            contract.note_failure(self.task, job.seed, how, log.read_text(errors="replace")[-4000:])
            replicate = replicate._replace(status=collect.FAILED, note=how)
        self.found[job.seed] = replicate
        self.report(self.counts(), event(replicate))
        if replicate.status == collect.FAILED and shutil.disk_usage(folder).free < LEAST_FREE:
            raise HostError(f"the disk under {folder} is full. Next step: make room; the same command then goes on.")
        again = job.seed in self.audits and replicate.status == collect.FINISHED
        return [Job(job.seed, audit=True)] if again else []

    def _hold(self, job: Job, code: int) -> None:
        """Hold an audit's result against the published one; a different one is kept beside it."""
        target = self.task.folder(job.seed)
        root = store.staged(target.with_name(f"audit-{job.seed}"))
        (again,) = self.task._replace(root=str(root)).collect([job.seed])
        self.audited += 1
        line = f"seed {job.seed}: audited, the same result"
        if again.status != collect.FINISHED:
            self.mismatches.append(
                f"seed {job.seed}: finished once, {again.status} again: {again.note or f'exit {code}'}"
            )
        elif canonical.file_digest(again.folder / runs.RESULT) != self.found[job.seed].digest:
            try:
                runs.publish(again.folder, target)
            except EvidenceError as error:
                self.mismatches.append(f"seed {job.seed}: {error}")
        if self.mismatches and self.mismatches[-1].startswith(f"seed {job.seed}:"):
            line = self.mismatches[-1]
        shutil.rmtree(root, ignore_errors=True)
        self.report(self.counts(), line)


def event(replicate: collect.Replicate) -> str:
    """Return a line on a replicate that has just ended."""
    if replicate.status != collect.FINISHED:
        return f"seed {replicate.seed}: {replicate.status}: {replicate.note}"
    metrics = "  ".join(f"{name} {value:.6g}" for name, value in replicate.result["metrics"].items())
    return f"seed {replicate.seed}: {metrics}  {replicate.digest[:12]}"


def audited_seeds(config_hash: str, seeds: list[int], share: float) -> list[int]:
    """Return which seeds to audit: a share of them, rounded up, chosen by hash so that nobody picks."""
    order = sorted(seeds, key=lambda seed: canonical.digest([config_hash, "audit", str(seed)]))
    return sorted(order[: math.ceil(share * len(seeds))])


def default_jobs() -> int:
    """Return how many replicates run at a time: one for each core that this process may use.

    A replicate of a small model keeps little more than one core busy, whatever its pool size; the pool size decides
    its bits, the cores behind it do not (docs/replicates.md has the measurement).
    """
    cores = len(os.sched_getaffinity(0))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        pass  # no cgroup, or no limit
    return max(1, cores)

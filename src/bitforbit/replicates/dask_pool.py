"""Replicates on a Dask cluster: one task for each seed, published here as the answers come.

A worker that dies loses its task to another one; four deaths under one task are Dask's `KilledWorker`, and the
replicate has failed. The scheduler's death ends the call; what was published stays, and the same command goes on.
"""

import hashlib
import logging
import time
from pathlib import Path

from bitforbit.errors import EvidenceError, HostError, UsageError
from bitforbit.evidence import runs
from bitforbit.replicates import collect, contract, dask_task, pool
from bitforbit.training import store

PATIENCE = 10


class DaskPool:
    """The face of `pool.Pool`, for a cluster.

    Args:
        task: the configuration.
        scheduler: its address, as `tcp://10.0.0.1:8786`.
        report: hears of the progress.
        gpus: ask for one unit of the workers' resource `GPU` for each task.
    """

    def __init__(self, task: contract.Task, scheduler: str, report: pool.Report, gpus: bool = False):
        self.task, self.scheduler, self.report, self.gpus = task, scheduler, report, gpus
        self.mismatches: list[str] = []
        self.audits: list[int] = []

    def run(self, seeds: list[int], audit: float = 0.0) -> None:
        """Train every seed that has neither finished nor diverged; audit a share of all on other workers.

        Raises:
            UsageError: Dask is not installed here.
            HostError: the scheduler does not answer or died, or its workers have other versions of Dask.
        """
        folder = self.task.folder(0).parent
        store.prepare(folder)
        self.found = {replicate.seed: replicate for replicate in self.task.collect(seeds)}
        self.audits, self.audited = pool.audited_seeds(self.task.config_hash, seeds, audit), 0
        self.began, self.ended = time.monotonic(), 0
        client = connect(self.scheduler)
        from distributed.comm import CommClosedError

        try:
            self.futures = {}
            for seed in seeds:
                if self.found[seed].status in (collect.MISSING, collect.FAILED):
                    self._submit(client, seed)
                elif seed in self.audits and self.found[seed].status == collect.FINISHED:
                    self._submit(client, seed, again=True)
            while self.futures:
                future = self._next(client)
                seed, again = self.futures.pop(future)
                worker = self._take(future, seed, again)
                if not again and seed in self.audits and self.found[seed].status == collect.FINISHED:
                    self._submit(client, seed, again=True, other_than=worker)
        except CommClosedError:
            raise self._lost() from None
        finally:
            client.close(timeout=1)
            store.prepare(folder)

    def counts(self) -> pool.Counts:
        statuses = [replicate.status for replicate in self.found.values()]
        pace = (time.monotonic() - self.began) / self.ended if self.ended else None
        return pool.Counts(
            len(statuses), statuses.count(collect.FINISHED), len(self.futures), statuses.count(collect.FAILED),
            statuses.count(collect.DIVERGED), self.audited, len(self.audits), pace and len(self.futures) * pace,
        )  # fmt: skip

    def _submit(self, client, seed: int, again: bool = False, other_than: str | None = None) -> None:
        path = Path(self.task.experiment)
        source = path.read_text() if path.suffix == ".py" else None
        others = [address for address in client.scheduler_info(n_workers=-1)["workers"] if address != other_than]
        future = client.submit(
            dask_task.train, list(self.task), seed, source,
            key=f"{self.task.config_hash}-{seed}{'-audit' if again else ''}", pure=False,
            resources={"GPU": 1} if self.gpus else None,
            workers=others if again and others else None, allow_other_workers=bool(again and others),
        )  # fmt: skip
        self.futures[future] = (seed, again)

    def _next(self, client):
        import distributed

        while True:
            try:
                done = distributed.wait(list(self.futures), timeout=1, return_when="FIRST_COMPLETED").done
                return min(done, key=lambda future: self.futures[future])
            except distributed.TimeoutError:
                self.report(self.counts(), "")
            except distributed.CancelledError:
                raise self._lost() from None
            if client.status != "running":
                raise self._lost()

    def _take(self, future, seed: int, again: bool) -> str | None:
        """Publish one answer, or note why there is none; returns the worker's address."""
        import distributed

        answer = None
        try:
            answer = future.result()
        except (distributed.CancelledError, distributed.comm.CommClosedError):
            raise self._lost() from None
        except distributed.KilledWorker:
            note = "its workers died, one after another (Dask's KilledWorker): it may need more memory than they have"
        except Exception as error:
            note = f"{type(error).__name__}: {error}"
        self.ended += 1
        if answer is None:
            answer = {"status": collect.FAILED, "note": note, "worker": None, "files": {}}
        if again:
            line = self._hold(seed, answer)
        else:
            try:
                dask_task.publish(self.task, seed, answer)
            except EvidenceError as error:
                self.mismatches.append(f"seed {seed}: {error}")
            (self.found[seed],) = self.task.collect([seed])
            line = pool.event(self.found[seed])
        self.report(self.counts(), line)
        return answer["worker"]

    def _hold(self, seed: int, answer: dict) -> str:
        self.audited += 1
        digest = hashlib.sha256(answer["files"].get(runs.RESULT, b"")).hexdigest()
        if answer["status"] == collect.FINISHED and digest == self.found[seed].digest:
            return f"seed {seed}: audited, the same result"
        line = f"seed {seed}: finished once, {answer['status']} again: {answer['note']}"
        if answer["status"] == collect.FINISHED:
            try:
                dask_task.publish(self.task, seed, answer)
            except EvidenceError as error:
                line = f"seed {seed}: {error}"
        self.mismatches.append(line)
        return line

    def _lost(self) -> HostError:
        done = sum(replicate.status == collect.FINISHED for replicate in self.found.values())
        return HostError(
            f"expected the Dask scheduler at {self.scheduler} to live, found it gone. {done} of {len(self.found)} are"
            " published and stay. Next step: start a scheduler; the same command then goes on."
        )


def connect(scheduler: str):
    """Return a client of the scheduler, whose workers have the same versions of Dask and Python's packages."""
    try:
        import distributed
    except ModuleNotFoundError:
        raise UsageError(
            "expected Dask for --engine dask, found no package `distributed`."
            " Next step: pip install --require-hashes -r requirements-dask.lock"
        ) from None
    # What goes wrong is said here, in one line; Dask's own log tells the same in hundreds.
    for name in ("distributed", "distributed.client", "distributed.core", "distributed.comm", "asyncio", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        client = distributed.Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise HostError(
            f"expected a Dask scheduler at {scheduler}, found: {error}. Next step: dask scheduler"
        ) from None
    try:
        client.get_versions(check=True)
    except OSError as error:
        client.close(timeout=1)
        raise HostError(f"expected a Dask scheduler at {scheduler}, found it gone: {error}") from None
    except ValueError as error:
        client.close(timeout=1)
        raise HostError(f"expected the same versions on every worker, found: {error}") from None
    return client

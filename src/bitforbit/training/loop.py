"""One seeded training run, from a config to a published folder."""

import contextlib
import json
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bitforbit.errors import DivergedError
from bitforbit.evidence import canonical, runs
from bitforbit.policy import activate, host, readback
from bitforbit.training import fitting, identity, staging, store
from bitforbit.training.request import Report, Request, Silent

__all__ = ["Outcome", "Report", "Request", "Silent", "rehearse", "train"]


class Outcome(NamedTuple):
    """A published run, and whether it was trained just now."""

    published: runs.Published
    trained: bool
    seconds: float


def train(request: Request, report: Report | None = None) -> Outcome:
    """Train, or find the run already there and re-verify it.

    Args:
        request: what to train.
        report: hears of the progress. Defaults to none.

    Raises:
        BitforbitError: see `bitforbit.errors`; nothing half-written is left in the run's place.
    """
    started, report = time.monotonic(), report or Silent()
    host.require_level_v3()
    deviations = []
    if not request.strict:
        deviations = [reading.complaint for reading in activate(request.policy, strict=False)]
    described = identity.describe(request.experiment, request.config, request.policy, deviations)
    target = runs.folder_of(request.root, request.experiment.name, described["config_hash"], request.seed)
    if target.exists() and not request.force:
        return Outcome(runs.verify(target), False, time.monotonic() - started)
    store.prepare(target.parent)
    report.begin()
    if request.strict:
        activate(request.policy)
    evidence = fitting.fit(request, report)
    if request.strict:
        readback.refuse(readback.read_effects(request.policy), strict=True, because=readback.CHANGED)
    staged = staging.stage(request, described, evidence, target, time.monotonic() - started)
    if evidence.failure:
        kept = store.keep_diverged(staged, target)
        raise DivergedError(f"{evidence.failure} See {kept}.")
    runs.publish(staged, target)
    return Outcome(runs.verify(target), True, time.monotonic() - started)


def rehearse(request: Request, report: Report | None = None, watch=contextlib.nullcontext) -> tuple[dict, str]:
    """Train as `train` does, and publish nothing.

    Args:
        request: what to train; again and again in one process, each time from the same start.
        report: hears of the progress. Defaults to none.
        watch: makes a context manager that stands around `fit`, as a trace.

    Returns:
        What `result.json` would hold, and its digest.
    """
    import keras

    report = report or Silent()
    failed = activate(request.policy, request.strict)
    deviations = [reading.complaint for reading in failed]
    described = identity.describe(request.experiment, request.config, request.policy, deviations)
    report.begin()
    keras.backend.clear_session()
    evidence = fitting.fit(request, report, watch=watch)
    if request.strict:
        readback.refuse(readback.read_effects(request.policy), strict=True, because=readback.CHANGED)
    with tempfile.TemporaryDirectory(prefix="bitforbit-") as folder:
        staged = staging.stage(request, described, evidence, Path(folder) / "run", 0.0)
        return json.loads((staged / runs.RESULT).read_bytes()), canonical.file_digest(staged / runs.RESULT)

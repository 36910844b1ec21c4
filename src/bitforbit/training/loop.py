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
from bitforbit.training import fitting, identity, prepare, staging, store
from bitforbit.training.request import Report, Request, Silent

__all__ = ["Outcome", "Rehearsed", "Report", "Request", "Silent", "rehearse", "train"]


class Outcome(NamedTuple):
    """A published run, and whether it was trained just now.

    Attributes:
        audited: what is known of its model's ops, where it was trained just now.
    """

    published: runs.Published
    trained: bool
    seconds: float
    audited: prepare.Audited | None = None


class Rehearsed(NamedTuple):
    """A training that was not published.

    Attributes:
        result: what `result.json` would hold.
        digest: of `result.json`.
        audited: what is known of the model's ops.
    """

    result: dict
    digest: str
    audited: prepare.Audited


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
    return Outcome(runs.verify(target), True, time.monotonic() - started, evidence.audited)


def audited(request: Request) -> prepare.Audited:
    """Return what is known of the ops of a training, in a model of its own; trains nothing."""
    import keras

    activate(request.policy, request.strict)
    keras.backend.clear_session()
    return prepare.prepare(request).audited


def rehearse(
    request: Request,
    report: Report | None = None,
    watch=contextlib.nullcontext,
    known: prepare.Audited | None = None,
) -> Rehearsed:
    """Train as `train` does, and publish nothing.

    Args:
        request: what to train; again and again in one process, each time from the same start.
        report: hears of the progress. Defaults to none.
        watch: makes a context manager that stands around `fit`, as a trace.
        known: from an earlier training of the same request, or from `audited`: then graphs are made within `watch`,
            and not audited.
    """
    import keras

    report = report or Silent()
    failed = activate(request.policy, request.strict)
    deviations = [reading.complaint for reading in failed]
    described = identity.describe(request.experiment, request.config, request.policy, deviations)
    report.begin()
    keras.backend.clear_session()
    evidence = fitting.fit(request, report, watch=watch, known=known)
    if request.strict:
        readback.refuse(readback.read_effects(request.policy), strict=True, because=readback.CHANGED)
    with tempfile.TemporaryDirectory(prefix="bitforbit-") as folder:
        staged = staging.stage(request, described, evidence, Path(folder) / "run", 0.0)
        result = staged / runs.RESULT
        return Rehearsed(json.loads(result.read_bytes()), canonical.file_digest(result), evidence.audited)

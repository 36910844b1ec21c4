"""Trace the training of an experiment, and hold it against the same training without digests."""

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bitforbit.audit import check as audit
from bitforbit.diagnosis.trace import environment, observer, store, zoom
from bitforbit.diagnosis.trace.tracer import Tracer
from bitforbit.evidence import runs
from bitforbit.training import identity, loop, prepare


class Traced(NamedTuple):
    """A trace, written.

    Attributes:
        folder: where it stands.
        observer: see `bitforbit.diagnosis.trace.observer`.
        steps: of all streams together.
        notes: what could not be traced.
        seconds: of the traced training.
    """

    folder: Path
    observer: dict
    steps: int
    notes: list[str]
    seconds: float

    def record(self) -> dict:
        """Return JSON values."""
        return {"folder": str(self.folder), "steps": self.steps, "observer": self.observer, "notes": self.notes}

    def report(self, text: bool = True) -> int:
        """Print what came of it, notes on stderr, and return the exit code: 1 where the digests changed the run."""
        if text:
            print(f"  trace        {self.folder} ({self.steps} steps)")
            print(f"  observer     {observer.sentence(self.observer)}")
        for note in self.notes:
            print(f"not traced: {note}", file=sys.stderr)
        return 0 if self.observer["verdict"] in (observer.SAME, observer.UNCHECKED) else 1


def trace(
    request: loop.Request,
    folder: Path,
    shown: Callable[[str], contextlib.AbstractContextManager] = lambda _: contextlib.nullcontext(),
    window: store.Window | None = None,
    untraced: runs.Published | None = None,
    check: bool = True,
    known: prepare.Audited | None = None,
) -> Traced:
    """Train with digests, publish nothing, write the trace.

    The training with digests makes its graphs once, as the one without does: what a layer draws from a generator of
    Python's or NumPy's while its graph is made is then the same. So its ops are audited before, by the training
    without digests where that is of this process, else in a model of their own.

    Args:
        request: what to train.
        folder: where the trace will stand; an older trace there makes way.
        shown: called for each training with words for it, makes what hears of its progress.
        window: steps whose digests are kept in full.
        untraced: the published run of the same identity, if there is one: it was trained without digests.
        check: train without digests too where there is no such run.
        known: what a training of this request without digests knows of its ops, where this process made one.

    Raises:
        BitforbitError: see `bitforbit.errors`; no half-written trace is left.
    """
    state = {}

    @contextlib.contextmanager
    def watch():
        state["tracer"] = tracer = Tracer(folder, window)
        try:
            yield
        finally:
            tracer.stop()

    against, digest = "none", None
    if untraced is not None:
        against, digest = f"the published run {untraced.folder}", untraced.digest
    elif check and not zoom.asked():
        store.require_writable(folder)
        with shown("without digests") as report:
            plain = loop.rehearse(request, report)
        against, digest, known = "trained without digests", plain.digest, plain.audited
    began = time.monotonic()
    if zoom.asked():
        # It ends at its step, and the run that it repeats was audited.
        known = prepare.Audited(audit.audit(Counter()), Counter())
    known = known or loop.audited(request)
    try:
        with shown("traced") as report:
            traced = loop.rehearse(request, report, watch, known)
    except BaseException:
        if "tracer" in state:
            state["tracer"].discard()
        raise
    tracer, seconds = state["tracer"], time.monotonic() - began
    if digest is None:
        verdict = observer.unchecked(traced.digest)
    else:
        verdict = observer.check(traced.digest, digest, against, lambda: loop.rehearse(request).digest)
    tracer.close(header(request, traced.result) | {"observer": verdict})
    return Traced(folder, verdict, tracer.steps, tracer.notes, seconds)


def header(request: loop.Request, result: dict) -> dict:
    """Return what a trace says of its subject and of where it was made."""
    keys = ("experiment", "source", "config", "policy", "stack", "host_class", "config_hash", "seed", "status", "data")
    return {
        "subject": {"kind": "experiment"} | {key: result[key] for key in keys},
        "weights": result["weights"],
        "epoch_digests": result["epoch_digests"],
        "environment": environment.record(Path(request.experiment.module.__file__)),
        "rerun": environment.rerun(),
    }


def published(request: loop.Request) -> runs.Published | None:
    """Return the published run of a request's identity, re-verified; `None` where there is none or it is damaged."""
    deviations = []
    if not request.strict:
        from bitforbit.policy import activate

        deviations = [reading.complaint for reading in activate(request.policy, strict=False)]
    described = identity.describe(request.experiment, request.config, request.policy, deviations)
    folder = runs.folder_of(request.root, request.experiment.name, described["config_hash"], request.seed)
    return runs.verify(folder) if folder.is_dir() else None

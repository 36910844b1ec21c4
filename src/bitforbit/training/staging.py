"""The files of one run, from what its training left in memory."""

import shutil
import time
from pathlib import Path

from bitforbit.evidence import archive, canonical, curve, digests, runs
from bitforbit.policy import devices, host
from bitforbit.training import identity, store
from bitforbit.training.fitting import Evidence
from bitforbit.training.request import Request


def stage(request: Request, described: dict, evidence: Evidence, target: Path, seconds: float) -> Path:
    """Write a run's files into a folder beside its place, and return the folder; nothing is left where that fails.

    Args:
        request: what was trained.
        described: its identity, see `identity.describe`.
        evidence: what the training left.
        target: the run's place.
        seconds: since the run began.
    """
    from bitforbit.training.recorder import leaves

    recorder = evidence.recorder
    staged = store.stage(target)
    try:
        archive.write_model(evidence.model, staged / runs.MODEL)
        names = list(recorder.epochs[0]["logs"]) if recorder.epochs else []
        history = [[entry["epoch"], *(entry["logs"][name] for name in names)] for entry in recorder.epochs]
        canonical.write(staged / runs.HISTORY, runs.table(["epoch", *names], history))
        canonical.write(staged / runs.DIGESTS, runs.table(["epoch", "variable", "sha256"], recorder.rows))
        variables = leaves(evidence.model.weights)
        # A class that did not hold is not claimed again by an audit.
        lowered = evidence.audited.audit.lowered()
        if described["host_class"] == identity.UNPINNED:
            lowered.pop("host_class", None)
        result = (
            described
            | lowered
            | {
                "seed": request.seed,
                "status": "diverged" if evidence.failure else "finished",
                "data": {"root": digests.root(evidence.data), "arrays": [leaf.record() for leaf in evidence.data]},
                "epochs": recorder.epochs,
                "epoch_digests": canonical.file_digest(staged / runs.DIGESTS),
                "variables": [leaf.record() for leaf in variables],
                "weights": digests.root(variables),
                "metrics": evidence.metrics,
                "predictions": digests.root(evidence.predictions),
                "model": canonical.file_digest(staged / runs.MODEL),
            }
        )
        canonical.write(staged / runs.RESULT, canonical.dumps(result))
        curve.write(staged / runs.CURVE, recorder.epochs, f"{request.experiment.name}, seed {request.seed}")
        timings = evidence.timings | {
            "total_seconds": seconds,
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        runs.seal(
            staged,
            {"host": host.facts() | devices.facts(request.policy), "command": store.command_line(), "timings": timings},
        )
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return staged

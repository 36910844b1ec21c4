"""What a script's run leaves: its identity, `result.json`, and the folder that is published in one rename."""

import hashlib
import os
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from bitforbit.audit import check, nodes
from bitforbit.diagnosis import whose
from bitforbit.diagnosis.script import overrides, program
from bitforbit.evidence import canonical, digests, runs
from bitforbit.policy import Policy, generated, host
from bitforbit.training import identity, store

SCHEMA = "bitforbit script 1"


class Run(NamedTuple):
    """A run that has ended.

    Attributes:
        program: the script.
        seed: 0 to 2^64 - 1.
        policy: what was pinned.
        deviations: knobs that did not take, or that no longer held after the script.
        ending: how it ended.
        fits: what was seen of each `fit`.
        overrides: what it set itself.
        models: root digest of each Keras model among the script's global names.
        seconds: wall time of the script.
    """

    program: program.Program
    seed: int
    policy: Policy
    deviations: list[str]
    ending: program.Ending
    fits: list
    overrides: list[overrides.Override]
    models: dict[str, str]
    seconds: float


def is_own(path: str) -> bool:
    """Return whether a module is the script's: in a project this package lies below the script's folder, too."""
    return whose.is_program(path) and not path.startswith(whose.PACKAGE)


def modules(folder: str) -> dict[str, str]:
    """Return the SHA-256 of each module that was imported from below the script's folder, by its path there."""
    found = {}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None) or ""
        inside = path.endswith(".py") and os.path.realpath(path).startswith(folder + os.sep)
        own = module.__name__ != "__main__" and not module.__name__.startswith(generated.PREFIX)
        if inside and own and is_own(path):
            found[os.path.relpath(os.path.realpath(path), folder)] = canonical.file_digest(Path(path))
    return dict(sorted(found.items()))


def models() -> dict[str, str]:
    """Return the root digest of the weights of each built model among the global names of `__main__`."""
    import keras

    from bitforbit.diagnosis.script import fits

    names = vars(sys.modules["__main__"])
    found = [(name, value) for name, value in names.items() if isinstance(value, keras.Model) and value.built]
    return {name: digests.root(fits.leaves(model.weights)) for name, model in sorted(found, key=lambda pair: pair[0])}


def describe(run: Run) -> dict:
    """Return what decides the bits of the run but its seed, with the hash that names its folder."""
    described = {
        "schema": SCHEMA,
        "experiment": run.program.name,
        "source": digests_of(run.program.source),
        "modules": modules(run.program.folder),
        "config": {"arguments": list(run.program.arguments)},
        "policy": run.policy.record() | {"deviations": run.deviations},
        "stack": identity.stack(),
        "host_class": identity.UNPINNED if run.deviations else host.CPU_CLASS,
    }
    return described | {"config_hash": canonical.digest(described)}


def digests_of(source: bytes) -> str:
    return hashlib.sha256(source.replace(b"\r\n", b"\n")).hexdigest()


def audited(run: Run) -> check.Audit:
    """Return the verdicts on the ops of all fits; a script without a `fit` was not looked at."""
    uses: Counter = Counter()
    for fit in run.fits:
        uses.update(fit.uses)
    return check.audit(uses if run.fits else Counter({nodes.NOT_TRACED: 1}))


def result(run: Run) -> dict:
    """Return the content of `result.json`."""
    described = describe(run)
    lowered = audited(run).lowered()
    if run.deviations:
        lowered.pop("host_class", None)
    entries = [
        {
            "fit": fit.number,
            "model": fit.model,
            "class": fit.kind,
            "data": {"root": digests.root(fit.data), "arrays": [leaf.record() for leaf in fit.data]},
            "undigested_data": fit.undigested,
            "epochs": fit.epochs,
            "variables": [leaf.record() for leaf in fit.variables],
            "weights": digests.root(fit.variables),
        }
        for fit in run.fits
    ]
    content = {
        "seed": run.seed,
        "status": run.ending.status,
        "exit_code": run.ending.code,
        "overrides": [override._asdict() for override in run.overrides],
        "fits": entries,
        "models": run.models,
        "weights": canonical.digest({"fits": [entry["weights"] for entry in entries], "models": run.models}),
    }
    return described | lowered | content


def publish(run: Run, root: Path) -> runs.Published:
    """Write the run's folder; one that did not finish goes to `seed-<n>.failed`, in the place of an older one.

    Raises:
        EvidenceError: another result stands there for the same script, arguments and seed; both are kept.
        OSError: it cannot be written.
    """
    content = result(run)
    target = runs.folder_of(root, run.program.name, content["config_hash"], run.seed)
    store.prepare(target.parent)
    staged = store.stage(target)
    try:
        rows = [(fit.number, *row) for fit in run.fits for row in fit.rows]
        canonical.write(staged / runs.DIGESTS, runs.table(["fit", "epoch", "variable", "sha256"], rows))
        content["epoch_digests"] = canonical.file_digest(staged / runs.DIGESTS)
        canonical.write(staged / runs.RESULT, canonical.dumps(content))
        timings = {
            "total_seconds": run.seconds,
            "fit_seconds": [fit.seconds for fit in run.fits],
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        facts = {"host": host.facts(), "command": store.command_line(), "timings": timings}
        runs.seal(staged, facts | {"error": run.ending.error})
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    if run.ending.status != program.FINISHED:
        kept = target.with_name(f"{target.name}.failed")
        shutil.rmtree(kept, ignore_errors=True)
        os.rename(staged, kept)
        return runs.verify(kept)
    runs.publish(staged, target)
    return runs.verify(target)

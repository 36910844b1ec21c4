"""Make an ensemble out of published replicates, hold every member against its own evidence, and measure the gain."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import NamedTuple

from bitforbit.errors import EvidenceError
from bitforbit.evidence import canonical, digests
from bitforbit.replicates import collect, seedlist
from bitforbit.replicates.ensemble import file, formula, members, outputs, predictions, scores
from bitforbit.training import config as configs
from bitforbit.training import seeds
from bitforbit.training.experiment import Data, Experiment

MODEL, DOCUMENT = "ensemble.keras", "ensemble.json"


class Made(NamedTuple):
    """An ensemble, in memory.

    Attributes:
        content: bytes of the `.keras` file.
        document: what is measured about it, for `ensemble.json`.
    """

    content: bytes
    document: dict


def make(
    experiment: Experiment, config, replicates: list[collect.Replicate], uncertainty: bool, tolerance: float | None
) -> Made:
    """Combine published replicates, under a policy that is already active.

    Args:
        experiment: of the members.
        config: of the members; its `batch_size` counts.
        replicates: see `members.check`.
        uncertainty: add outputs for spread and entropies.
        tolerance: also say how many members keep two builds this close, root mean square.

    Raises:
        UsageError, EvidenceError: see `members.check` and `outputs.common`; also where a member predicts other bits
            here than when trained, or the data are others.
    """
    members.check(replicates)
    models = members.load(replicates)
    given = outputs.common(models)
    seeds.seed_globals(0, "data")
    data, size = experiment.load_data(config), config.batch_size
    seeds.seed_globals(0, "initialization")
    compiled = experiment.build_model(config)
    kinds = formula.kinds_of(compiled)
    root = _hold_data(data, replicates[0])
    # First, so that the layers of the file have the names that Keras gives in a fresh process.
    ensemble = formula.combine(models, kinds, uncertainty)
    predicted = predictions.of_members(replicates, models, data.x_test, size)
    found = predictions.of_ensemble(models, predicted, kinds, uncertainty, size)
    several = {} if given.names is None else {"outputs": list(given.names), "uncertainty": uncertainty}
    record = _record(experiment, config, replicates, found, root) | several
    content = file.pack(ensemble, record)
    document = record | {"model": hashlib.sha256(content).hexdigest(), "gain": None}
    if given.names is None:
        document |= {"outputs": sorted(found) if isinstance(found, dict) else ["mean"], "kind": kinds[0]}
    document["gain"] = scores.gain(compiled, replicates, predicted, found, data.y_test, size, uncertainty)
    measured = scores.by_output(given, predicted, kinds, data.y_test, tolerance)
    return Made(content, document | (measured[0] if given.names is None else {"by_output": measured}))


def _hold_data(data: Data, first: collect.Replicate) -> str:
    leaves = [leaf for name, value in zip(data._fields, data, strict=True) for leaf in digests.tree(name, value)]
    root, wanted = digests.root(leaves), first.result["data"]["root"]
    if root != wanted:
        raise EvidenceError(f"expected the members' data {wanted[:16]}, found {root[:16]}: load_data gives others here")
    return root


def _record(experiment: Experiment, config, replicates: list[collect.Replicate], found, data: str) -> dict:
    first = replicates[0].result
    return {
        "schema": file.SCHEMA,
        "formula": formula.TEXT,
        "experiment": experiment.name,
        "source": experiment.source,
        "config": configs.values(config),
        "config_hash": first["config_hash"],
        "host_class": first["host_class"],
        "policy": first["policy"],
        "stack": first["stack"],
        "seeds": seedlist.spell([member.seed for member in replicates]),
        "members": [
            {
                "name": members.name(member.seed),
                "seed": member.seed,
                "result": member.digest,
                "weights": member.result["weights"],
                "variables": member.result["variables"],
            }
            for member in replicates
        ],
        "data": data,
        "predictions": digests.root(digests.tree("predictions", found)),
    }


def publish(made: Made, target: Path, draw) -> str:
    """Write an ensemble's folder in one rename; return the digest of `ensemble.json`.

    Args:
        made: the ensemble.
        target: its folder.
        draw: called with the folder aside, to add pictures.

    Raises:
        EvidenceError: another ensemble stands there under the same name. It is left alone.
    """
    digest = canonical.digest(made.document)
    if (target / MODEL).exists() and canonical.file_digest(target / MODEL) != made.document["model"]:
        raise EvidenceError(
            f"expected {target / MODEL} with SHA-256 {made.document['model'][:16]}, found another file of these"
            " members. Next step: verify it (bitforbit verify), then move it away"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        canonical.write(aside / MODEL, made.content)
        canonical.write(aside / DOCUMENT, canonical.dumps(made.document))
        draw(aside)
        if target.exists():
            for path in aside.iterdir():
                os.replace(path, target / path.name)
        else:
            os.rename(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return digest

"""Make an ensemble out of published replicates, hold every member against its own evidence, and measure the gain."""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bitforbit.errors import EvidenceError
from bitforbit.evidence import canonical, digests
from bitforbit.replicates import collect, seedlist
from bitforbit.replicates.ensemble import file, formula, gains, members
from bitforbit.training import config as configs
from bitforbit.training import seeds
from bitforbit.training.experiment import Data, Experiment

# Where the metric of the first M members is measured.
CURVE = (1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 30, 40, 50, 75)
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
        UsageError, EvidenceError: see `members.check`; also where a member predicts other bits here than when trained,
            or the data are others.
    """
    import keras

    members.check(replicates)
    models = members.load(replicates)
    seeds.seed_globals(0, "data")
    data, size = experiment.load_data(config), config.batch_size
    seeds.seed_globals(0, "initialization")
    compiled = experiment.build_model(config)
    kind = formula.kind_of(compiled)
    inputs, singles, combined = formula.graph(models, kind, uncertainty)
    root = _hold_data(data, replicates[0])
    # One graph and one pass for all.
    everything = keras.Model(inputs, {"members": singles, "ensemble": combined})
    predicted = everything.predict(data.x_test, batch_size=size, verbose=0)
    outputs, found = predicted["members"], predicted["ensemble"]
    _hold_predictions(replicates, outputs)
    record = _record(experiment, config, replicates, found, root)
    content = file.pack(keras.Model(inputs, combined, name="ensemble"), record)
    document = record | {
        "model": _sha(content),
        "outputs": sorted(found) if isinstance(found, dict) else ["mean"],
        "kind": kind,
        "gain": _gain(compiled, replicates, outputs, found, data, size, kind),
    }
    flat = np.stack([output.reshape(len(output), -1) for output in outputs])
    spread = gains.variance(flat)
    truth = gains.truth(data.y_test, flat.shape[-1], kind) if not isinstance(data.y_test, (dict, tuple)) else None
    errors = None if truth is None else [gains.error(each, truth) for each in _prefixes(flat)]
    document |= {
        "variance": spread,
        "error": None if errors is None else ("Brier score" if kind else "squared error"),
        "rows": gains.rows(len(models), spread, errors[-1] if errors else None, errors),
        "builds": gains.builds(flat, kind),
    }
    if tolerance is not None:
        document["enough"] = {"tolerance": tolerance, "members": gains.members_needed(spread, tolerance)}
    return Made(content, document)


def _hold_data(data: Data, first: collect.Replicate) -> str:
    leaves = [leaf for name, value in zip(data._fields, data, strict=True) for leaf in digests.tree(name, value)]
    root, wanted = digests.root(leaves), first.result["data"]["root"]
    if root != wanted:
        raise EvidenceError(f"expected the members' data {wanted[:16]}, found {root[:16]}: load_data gives others here")
    return root


def _hold_predictions(replicates: list[collect.Replicate], outputs: list[np.ndarray]) -> None:
    for member, output in zip(replicates, outputs, strict=True):
        found = digests.root(digests.tree("predictions", output))
        if found != member.result["predictions"]:
            raise EvidenceError(
                f"expected predictions {member.result['predictions'][:16]} of seed {member.seed}, found {found[:16]}:"
                " this host does not give the bits that were published. Next step: bitforbit verify"
            )


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


def _gain(compiled, replicates, outputs, found, data: Data, size: int, kind: str | None) -> dict:
    """Return the model's own metrics for members, for the ensemble, and for its first members by number."""
    import keras
    from keras import ops

    inputs = keras.Input(batch_shape=compiled.output.shape, dtype=compiled.output.dtype)
    scorer = keras.Model(inputs, keras.layers.Identity()(inputs))
    scorer.compile_from_config(compiled.get_compile_config())

    def score(predicted) -> dict:
        scores = scorer.evaluate(predicted, data.y_test, batch_size=size, verbose=0, return_dict=True)
        return {name: float(value) for name, value in scores.items()}

    first = [
        {"members": m} | score(np.asarray(ops.mean(ops.stack(outputs[:m], axis=-1), axis=-1)))
        for m in CURVE
        if m < len(outputs)
    ]
    whole = score(found["mean"] if isinstance(found, dict) else found)
    first.append({"members": len(outputs)} | whole)
    return {
        "members": [{"seed": member.seed} | member.result["metrics"] for member in replicates],
        "by_members": first,
        "ensemble": whole,
    }


def _prefixes(flat: np.ndarray):
    """Yield the mean of the first 1, 2, 3 ... members, in float64."""
    total = np.zeros(flat.shape[1:])
    for number, member in enumerate(flat, start=1):
        total = total + member
        yield total / number


def _sha(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


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

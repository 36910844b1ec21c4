"""Hold an ensemble's file against what it says of itself: every member's weights, the formula, the predictions."""

from pathlib import Path
from typing import NamedTuple

from bitforbit.errors import BitforbitError, EvidenceError
from bitforbit.evidence import digests
from bitforbit.policy import Policy, activate
from bitforbit.replicates.ensemble import file, structure
from bitforbit.training import config as configs
from bitforbit.training import experiment as experiments
from bitforbit.training import identity, seeds


class Verdict(NamedTuple):
    """What a check found.

    Attributes:
        members: `(seed, problem)` for each member, in the file's order; the problem is empty where it is as recorded.
        structure: why the graph is not the formula, or empty.
        predictions: `same`, `different`, or why they could not be checked.
    """

    members: list[tuple[int, str]]
    structure: str
    predictions: str

    @property
    def same(self) -> bool:
        return not (any(problem for _, problem in self.members) or self.structure or self.predictions == "different")


def verify(path: Path, policy: Policy, experiment: str | None = None) -> Verdict:
    """Load an ensemble in safe mode and recompute what can be recomputed.

    Args:
        path: its file.
        policy: to predict under.
        experiment: where its experiment is, if not a built-in or importable one; as on the command line.

    Raises:
        UsageError: it is not an ensemble's file.
        EvidenceError: Keras cannot load it.
    """
    record, config = file.read(path)
    activate(policy)
    import keras

    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:
        raise EvidenceError(
            f"expected Keras to load {path} in safe mode, found {type(error).__name__}: {str(error)[:200]}"
        ) from None
    found = [(member["seed"], _member(model, member)) for member in record["members"]]
    return Verdict(found, structure.check(config, record), _predictions(model, record, policy, experiment))


def _member(model, wanted: dict) -> str:
    from bitforbit.training.recorder import leaves

    try:
        layer = model.get_layer(wanted["name"])
    except ValueError:
        return "is not in the file"
    found = leaves(layer.weights)
    for leaf, variable in zip(found, wanted["variables"], strict=False):
        if leaf.record() != variable:
            return f"{variable['path']} is not the published one"
    root = digests.root(found)
    return "" if root == wanted["weights"] else f"expected weights {wanted['weights'][:16]}, found {root[:16]}"


def _predictions(model, record: dict, policy: Policy, experiment: str | None) -> str:
    """Predict the held-out data again, where the experiment, its data and this stack are those of the record."""
    wanted = {"policy": record["policy"]["digest"], "stack": record["stack"]}
    if wanted != {"policy": policy.record()["digest"], "stack": identity.stack()}:
        return "not checked: another policy or other versions here"
    try:
        chosen = experiments.load(experiment or record["experiment"])
        if chosen.source != record["source"]:
            return f"not checked: {record['experiment']} is another text here"
        settings = tuple(f"{key}={configs.spell(_tuple(value))}" for key, value in record["config"].items())
        config = configs.resolve(chosen.config_type, None, settings)
        seeds.seed_globals(0, "data")
        data = chosen.load_data(config)
    except BitforbitError:
        return f"not checked: no data of {record['experiment']} here. Next step: name the experiment after the file"
    leaves = [leaf for name, value in zip(data._fields, data, strict=True) for leaf in digests.tree(name, value)]
    if digests.root(leaves) != record["data"]:
        return "not checked: other data here"
    found = model.predict(data.x_test, batch_size=config.batch_size, verbose=0)
    same = digests.root(digests.tree("predictions", found)) == record["predictions"]
    return "same" if same else "different"


def _tuple(value):
    return tuple(value) if isinstance(value, list) else value

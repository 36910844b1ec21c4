"""Hold an ensemble's file against what it says of itself: every member's weights, the formula, the predictions."""

from pathlib import Path
from typing import NamedTuple

from bitforbit.errors import BitforbitError, EvidenceError
from bitforbit.evidence import digests
from bitforbit.policy import Policy, activate
from bitforbit.replicates.ensemble import file
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


def verify(path: Path, policy: Policy) -> Verdict:
    """Load an ensemble in safe mode and recompute what can be recomputed.

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
    return Verdict(found, structure(config, record), _predictions(model, record, policy))


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


def structure(config: dict, record: dict) -> str:
    """Return why a file's `config.json` is not the formula over the recorded members, or an empty text."""
    names = [member["name"] for member in record["members"]]
    seeds_of = [member["seed"] for member in record["members"]]
    if seeds_of != sorted(set(seeds_of)):
        return f"expected members in ascending order of seeds, each once, found {seeds_of}"
    layers = {layer["name"]: layer for layer in config["config"]["layers"]}
    for part in names:
        if part in layers and layers[part]["config"].get("trainable") is not False:
            return f"expected {part} not to be trainable"
    stacks = [layer for layer in layers.values() if layer["class_name"] == "Stack"]
    means = [layer for layer in layers.values() if layer["class_name"] == "Mean"]
    if len(stacks) != 1 or not means:
        return f"expected one Stack and a Mean, found {len(stacks)} and {len(means)}"
    if _sources(stacks[0]) != names:
        return f"expected members stacked as {', '.join(names)}, found {', '.join(_sources(stacks[0]))}"
    if stacks[0]["config"].get("axis") != -1:
        return f"expected a stack on axis -1, found axis {stacks[0]['config'].get('axis')}"
    output = _output(config)
    if output not in {mean["name"] for mean in means if mean["config"].get("axis") == -1}:
        return f"expected the mean over axis -1 as output, found {output}"
    mean = layers[output]
    return "" if _sources(mean) == [stacks[0]["name"]] else f"expected the mean of the stack, found {_sources(mean)}"


def _sources(layer: dict) -> list[str]:
    """Return the names of the layers that a layer's inputs come from, in order."""
    found = []

    def walk(value):
        if isinstance(value, dict):
            history = value.get("keras_history")
            if history:
                found.append(history[0])
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(layer["inbound_nodes"])
    return found


def _output(config: dict) -> str:
    outputs = config["config"]["output_layers"]
    if isinstance(outputs, dict):
        outputs = outputs["mean"]
    while isinstance(outputs[0], list):
        outputs = outputs[0]
    return outputs[0]


def _predictions(model, record: dict, policy: Policy) -> str:
    """Predict the held-out data again, where the experiment, its data and this stack are those of the record."""
    wanted = {"policy": record["policy"]["digest"], "stack": record["stack"]}
    if wanted != {"policy": policy.record()["digest"], "stack": identity.stack()}:
        return "not checked: another policy or other versions here"
    try:
        chosen = experiments.load(record["experiment"])
        if chosen.source != record["source"]:
            return f"not checked: {record['experiment']} is another text here"
        settings = tuple(f"{key}={configs.spell(_tuple(value))}" for key, value in record["config"].items())
        config = configs.resolve(chosen.config_type, None, settings)
        seeds.seed_globals(0, "data")
        data = chosen.load_data(config)
    except BitforbitError:
        return f"not checked: no data of {record['experiment']} here"
    leaves = [leaf for name, value in zip(data._fields, data, strict=True) for leaf in digests.tree(name, value)]
    if digests.root(leaves) != record["data"]:
        return "not checked: other data here"
    found = model.predict(data.x_test, batch_size=config.batch_size, verbose=0)
    same = digests.root(digests.tree("predictions", found)) == record["predictions"]
    return "same" if same else "different"


def _tuple(value):
    return tuple(value) if isinstance(value, list) else value

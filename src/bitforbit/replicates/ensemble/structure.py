"""Read off a file's graph whether it is the formula over the members that its record names, in their order."""


def check(config: dict, record: dict) -> str:
    """Return why a file's `config.json` is not the formula over the recorded members, or an empty text.

    Args:
        config: Keras' own `config.json` of the file.
        record: what `bitforbit ensemble` wrote about it.
    """
    names = [member["name"] for member in record["members"]]
    seeds = [member["seed"] for member in record["members"]]
    if seeds != sorted(set(seeds)):
        return f"expected members in ascending order of seeds, each once, found {seeds}"
    layers = {layer["name"]: layer for layer in config["config"]["layers"]}
    for part in names:
        if part in layers and layers[part]["config"].get("trainable") is not False:
            return f"expected {part} not to be trainable"
    means = _means(config["config"]["output_layers"], record)
    stacks = [name for name, layer in layers.items() if layer["class_name"] == "Stack"]
    averaged = sum(layer["class_name"] == "Mean" for layer in layers.values())
    if len(stacks) != len(means) or averaged < len(means):
        told = "one Stack and a Mean" if len(means) == 1 else f"{len(means)} Stacks and Means"
        return f"expected {told}, found {len(stacks)} and {averaged}"
    for place, output in enumerate(means):
        problem = _output(layers, output, names, place)
        if problem:
            return problem
    return ""


def _output(layers: dict, output: str, names: list[str], place: int) -> str:
    """Check the one output that the layer named `output` gives: the mean of every member's output number `place`."""
    above = _sources(layers[output])
    stack = layers.get(above[0][0]) if len(above) == 1 else None
    if stack is None or stack["class_name"] != "Stack":
        return f"expected the mean of the stack, found {[name for name, _ in above]}"
    if stack["config"].get("axis") != -1:
        return f"expected a stack on axis -1, found axis {stack['config'].get('axis')}"
    found = _sources(stack)
    if [name for name, _ in found] != names:
        return f"expected members stacked as {', '.join(names)}, found {', '.join(name for name, _ in found)}"
    if any(number != place for _, number in found):
        return f"expected output {place} of every member stacked, found {[number for _, number in found]}"
    if layers[output]["class_name"] != "Mean" or layers[output]["config"].get("axis") != -1:
        return f"expected the mean over axis -1 as output, found {output}"
    return ""


def _means(spec, record: dict) -> list[str]:
    """Return the layer of each mean, in the order of the members' outputs."""
    if "outputs" not in record:
        leaves = _leaves(spec["mean"] if isinstance(spec, dict) else spec)
    elif record["uncertainty"]:
        leaves = [leaf for name in record["outputs"] for leaf in _leaves(spec[name]["mean"])]
    else:
        leaves = _leaves(spec)
    return [leaf[0] for leaf in leaves]


def _leaves(spec) -> list[list]:
    """Return the entries `[layer, node, tensor]`, in the order in which Keras flattens structures."""
    if isinstance(spec, dict):
        return [leaf for key in sorted(spec) for leaf in _leaves(spec[key])]
    if len(spec) == 3 and isinstance(spec[0], str):
        return [spec]
    return [leaf for part in spec for leaf in _leaves(part)]


def _sources(layer: dict) -> list[tuple[str, int]]:
    """Return the layer and the number of its output for each of a layer's inputs, in order."""
    found = []

    def walk(value):
        if isinstance(value, dict):
            history = value.get("keras_history")
            if history:
                found.append((history[0], history[2]))
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(layer["inbound_nodes"])
    return found

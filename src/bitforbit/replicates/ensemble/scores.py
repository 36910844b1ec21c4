"""Measure an ensemble on the held-out data: the model's own metrics, and for each output the V / M rule."""

import numpy as np

from bitforbit.replicates import collect
from bitforbit.replicates.ensemble import gains, outputs

# Where the metric of the first M members is measured.
CURVE = (1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 30, 40, 50, 75)


def gain(
    compiled, replicates: list[collect.Replicate], predicted: list, found, labels, size: int, uncertainty: bool
) -> dict:
    """Return the model's own metrics for members, for the ensemble, and for its first members by number.

    Args:
        compiled: the experiment's model; only its outputs, losses and metrics are used.
        replicates: the members.
        predicted: their predictions, in the model's structure.
        found: those of the ensemble.
        labels: held-out labels, as for `evaluate`.
        size: of a batch.
        uncertainty: whether `found` holds dicts.
    """
    import keras
    from keras import ops

    names = outputs.of(compiled).names
    if uncertainty:
        means = [found["mean"]] if names is None else [found[name]["mean"] for name in names]
    else:
        means = keras.tree.flatten(found)
    scorer = _scorer(compiled)
    whole = _floats(scorer.evaluate(means, labels, batch_size=size, verbose=0, return_dict=True))
    leaves = [keras.tree.flatten(each) for each in predicted]
    first = []
    for m in (m for m in CURVE if m < len(leaves)):
        parts = zip(*leaves[:m], strict=True)
        means = [np.asarray(ops.mean(ops.stack(list(part), axis=-1), axis=-1)) for part in parts]
        first.append({"members": m} | _floats(_evaluate_again(scorer, means, labels, size)))
    return {
        "members": [{"seed": member.seed} | member.result["metrics"] for member in replicates],
        "by_members": [*first, {"members": len(leaves)} | whole],
        "ensemble": whole,
    }


def by_output(given: outputs.Outputs, predicted: list, kinds: list, labels, tolerance: float | None) -> list[dict]:
    """Return for each output its variance over members, the V / M rule beside what was measured, and two builds.

    Args:
        given: names of the outputs.
        predicted: of each member.
        kinds: of probabilities, for each output.
        labels: held-out labels in any structure; the error is left out where they are no match for the output.
        tolerance: also say how many members keep two builds this close.
    """
    import keras

    truths = _labels(given, labels)
    flats = zip(*(keras.tree.flatten(each) for each in predicted), strict=True)
    found = []
    for place, (arrays, kind) in enumerate(zip(flats, kinds, strict=True)):
        flat = np.stack([array.reshape(len(array), -1) for array in arrays])
        truth = None if truths is None else gains.truth(truths[place], flat.shape[-1], kind)
        spread = gains.variance(flat)
        errors = None if truth is None else [gains.error(each, truth) for each in _prefixes(flat)]
        told = {} if given.names is None else {"name": given.names[place], "kind": kind}
        told |= {
            "variance": spread,
            "error": None if errors is None else ("Brier score" if kind else "squared error"),
            "rows": gains.rows(len(flat), spread, errors[-1] if errors else None, errors),
            "builds": gains.builds(flat, kind),
        }
        if tolerance is not None:
            told["enough"] = {"tolerance": tolerance, "members": gains.members_needed(spread, tolerance)}
        found.append(told)
    return found


def _scorer(compiled):
    """Return a model that passes on a flat list of outputs and has the losses and metrics of `compiled`, by name."""
    import keras

    given = keras.tree.flatten(compiled.output)
    inputs = [keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype) for tensor in given]
    names = [None] if isinstance(compiled.output, keras.KerasTensor) else compiled.output_names
    passed = [keras.layers.Identity(name=name)(one) for name, one in zip(names, inputs, strict=True)]
    scorer = keras.Model(inputs, keras.tree.pack_sequence_as(compiled.output, passed))
    scorer.compile_from_config(compiled.get_compile_config())
    return scorer


def _evaluate_again(scorer, predicted: list, labels, size: int) -> dict:
    """Return what `evaluate` would, after a first call of it, without its fresh input pipeline."""
    import keras

    scorer.reset_metrics()
    for start in range(0, len(predicted[0]), size):
        part = slice(start, start + size)
        batch = tuple(keras.tree.map_structure(lambda a, part=part: a[part], each) for each in (predicted, labels))
        scorer.test_function([batch])
    return scorer.get_metrics_result()


def _floats(scores: dict) -> dict:
    return {name: float(value) for name, value in scores.items()}


def _labels(given: outputs.Outputs, labels) -> list | None:
    """Return the labels of each output, or `None` where they are not one array for each."""
    if given.names is None:
        return None if isinstance(labels, (dict, tuple, list)) else [labels]
    if isinstance(labels, dict):
        return [labels[name] for name in given.names] if set(labels) == set(given.names) else None
    if isinstance(labels, (tuple, list)) and len(labels) == len(given.names):
        return list(labels)
    return None


def _prefixes(flat: np.ndarray):
    """Yield the mean of the first 1, 2, 3 ... members, in float64."""
    total = np.zeros(flat.shape[1:])
    for number, member in enumerate(flat, start=1):
        total = total + member
        yield total / number

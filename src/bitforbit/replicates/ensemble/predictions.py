"""What members and their ensemble predict, at a fraction of what tracing every member would take.

Members differ in their weights alone, so one traced graph serves all of them; the ensemble's outputs are computed from
theirs by the graph that the file holds. That both are the published bits is not believed but checked: each member's
predictions are held against the digest that its training published, and `bitforbit verify` predicts with the file.
"""

import numpy as np

from bitforbit.errors import EvidenceError
from bitforbit.evidence import digests
from bitforbit.replicates import collect
from bitforbit.replicates.ensemble import formula, outputs


def of_members(replicates: list[collect.Replicate], models: list, x, size: int) -> list:
    """Return each member's predictions, in the order and structure that Keras gives them.

    Args:
        replicates: the members.
        models: theirs, loaded; all but their weights may be used of the first.
        x: held-out inputs, an array of shape `(n, ...)` or a structure of such.
        size: of a batch, as in training.

    Raises:
        EvidenceError: a member predicts other bits here than when it was trained.
    """
    import keras

    first = models[0]
    own = first.get_weights()
    count = len(keras.tree.flatten(x)[0])
    batches = [keras.tree.map_structure(lambda a, s=start: a[s : s + size], x) for start in range(0, count, size)]
    found = []
    for replicate, model in zip(replicates, models, strict=True):
        predicted = _by_weights(first, model, batches)
        if predicted is None or _root(predicted) != replicate.result["predictions"]:
            # The graph of another member is no proof against this one: its own has the last word.
            if model is first:
                first.set_weights(own)
            predicted = model.predict(x, batch_size=size, verbose=0)
        if _root(predicted) != replicate.result["predictions"]:
            raise EvidenceError(
                f"expected predictions {replicate.result['predictions'][:16]} of seed {replicate.seed}, found"
                f" {_root(predicted)[:16]}: this host does not give the bits that were published."
                " Next step: bitforbit verify"
            )
        found.append(predicted)
    first.set_weights(own)
    return found


def of_ensemble(models: list, predicted: list, kinds: list, uncertainty: bool, size: int):
    """Return the ensemble's predictions, from those of its members, batch by batch as the whole file would."""
    import keras

    given = outputs.common(models)
    inputs = [
        [keras.Input(batch_shape=shape, dtype=dtype) for shape, dtype in zip(given.shapes, given.dtypes, strict=True)]
        for _ in models
    ]
    singles = [keras.tree.pack_sequence_as(models[0].output, leaves) for leaves in inputs]
    combined = keras.Model(
        [leaf for leaves in inputs for leaf in leaves], formula.of_outputs(singles, given, kinds, uncertainty)
    )
    flat = [leaf for each in predicted for leaf in keras.tree.flatten(each)]
    return combined.predict(flat, batch_size=size, verbose=0)


def _by_weights(first, model, batches: list):
    """Return what `first` predicts with the weights of `model`; `None` where they do not fit."""
    import keras

    if model is not first:
        weights = model.get_weights()
        if [w.shape for w in weights] != [w.shape for w in first.get_weights()]:
            return None
        first.set_weights(weights)
    parts = [first.predict_on_batch(batch) for batch in batches]
    return keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *parts)


def _root(predicted) -> str:
    return digests.root(digests.tree("predictions", predicted))

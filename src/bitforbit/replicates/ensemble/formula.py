"""The one formula of an ensemble: the mean over members on a last axis, and what is derived from their spread.

Stacked on the last axis the mean has the same bits for every batch size, thread count and graph rewrite; on the first
axis the batch size decides them from 16 members on, and `layers.Average` changes with graph rewrites (measured).
"""

from bitforbit.replicates.ensemble import outputs

TEXT = "mean(stack(members in ascending order of seeds, axis=-1), axis=-1)"
CATEGORICAL, BINARY = "categorical", "binary"
# The smallest normal float32: log of it is finite, and it is flushed to zero nowhere.
TINY = 1.1754943508222875e-38


def combine(models: list, kinds: list | None = None, uncertainty: bool = False):
    """Return the ensemble of Keras models as one Keras model.

    Args:
        models: in the order of their seeds, uniquely named, not trainable.
        kinds: for each output `categorical` or `binary` where it holds probabilities, else `None`.
        uncertainty: see `of_outputs`.

    Raises:
        UsageError: see `outputs.common`.
    """
    import keras

    given = outputs.common(models)
    inputs = keras.tree.map_structure(
        lambda one: keras.Input(batch_shape=one.shape, dtype=one.dtype, name=one.name), models[0].input
    )
    singles = [model(inputs) for model in models]
    return keras.Model(inputs, of_outputs(singles, given, kinds, uncertainty), name="ensemble")


def of_outputs(singles: list, given: outputs.Outputs, kinds: list | None = None, uncertainty: bool = False):
    """Return the ensemble's outputs, symbolic, from those of each member.

    Args:
        singles: each member's output, in one structure, in the order of seeds.
        given: names of the outputs.
        kinds: see `combine`.
        uncertainty: give a dict for each output instead of the mean alone: `mean`, `spread` (standard deviation over
            members) and, for probabilities, `total_entropy`, `aleatoric_entropy` and `epistemic_entropy` in nats.

    Returns:
        The members' structure of means. With `uncertainty` the dict, or, where members have several outputs, a dict of
        such dicts by name.
    """
    import keras

    leaves = [keras.tree.flatten(single) for single in singles]
    kinds = kinds or [None] * len(leaves[0])
    by_output = zip(*leaves, strict=True)
    found = [_combined(list(members), kind, uncertainty) for members, kind in zip(by_output, kinds, strict=True)]
    if given.names is None:
        return found[0]
    if uncertainty:
        return dict(zip(given.names, found, strict=True))
    return keras.tree.pack_sequence_as(singles[0], found)


def _combined(members: list, kind: str | None, uncertainty: bool):
    from keras import ops

    stacked = ops.stack(members, axis=-1)
    mean = ops.mean(stacked, axis=-1)
    if not uncertainty:
        return mean
    return {"mean": mean, "spread": ops.std(stacked, axis=-1)} | _entropies(stacked, mean, kind)


def _entropies(stacked, mean, kind: str | None) -> dict:
    """Return total, expected (aleatoric) entropy and their difference, which is what members disagree about."""
    from keras import ops

    if kind is None:
        return {}

    def information(p):
        return -p * ops.log(ops.maximum(p, TINY))

    def terms(p):
        return information(p) + information(1 - p) if kind == BINARY else information(p)

    total = ops.sum(terms(mean), axis=-1)
    aleatoric = ops.mean(ops.sum(terms(stacked), axis=-2), axis=-1)
    return {"total_entropy": total, "aleatoric_entropy": aleatoric, "epistemic_entropy": total - aleatoric}


def kinds_of(model) -> list[str | None]:
    """Return for each output of a compiled model which kind of probabilities it holds, by its loss, else `None`."""
    given = outputs.of(model)
    if given.names is None:
        return [_kind(model.loss)]
    if isinstance(model.loss, dict):
        # As in compile: by the output's key, or by Keras' name of it.
        pairs = zip(given.names, model.output_names, strict=True)
        return [_kind(model.loss.get(name, model.loss.get(other))) for name, other in pairs]
    losses = list(model.loss) if isinstance(model.loss, (list, tuple)) else [model.loss] * len(given.names)
    return [_kind(loss) for loss in losses] if len(losses) == len(given.names) else [None] * len(given.names)


def _kind(loss) -> str | None:
    import keras

    try:
        loss = keras.losses.get(loss)
    except (TypeError, ValueError):
        return None
    if getattr(loss, "get_config", dict)().get("from_logits", False):
        return None
    found = getattr(loss, "name", None) or getattr(loss, "__name__", "")
    if "categorical_crossentropy" in found:
        return CATEGORICAL
    return BINARY if "binary" in found and "crossentropy" in found else None

"""The one formula of an ensemble: the mean over members on a last axis, and what is derived from their spread.

Stacked on the last axis the mean has the same bits for every batch size, thread count and graph rewrite; on the first
axis the batch size decides them from 16 members on, and `layers.Average` changes with graph rewrites (measured).
"""

from bitforbit.errors import UsageError

TEXT = "mean(stack(members in ascending order of seeds, axis=-1), axis=-1)"
CATEGORICAL, BINARY = "categorical", "binary"
# The smallest normal float32: log of it is finite, and it is flushed to zero nowhere.
TINY = 1.1754943508222875e-38


def combine(models: list, kind: str | None = None, uncertainty: bool = False):
    """Return the ensemble of Keras models that have one output each; arguments and errors as for `graph`."""
    import keras

    inputs, _, outputs = graph(models, kind, uncertainty)
    return keras.Model(inputs, outputs, name="ensemble")


def graph(models: list, kind: str | None = None, uncertainty: bool = False):
    """Return inputs, each member's output, and the ensemble's outputs, as symbolic tensors.

    Args:
        models: in the order of their seeds, uniquely named, not trainable.
        kind: `categorical` or `binary` where the outputs are probabilities, else `None`.
        uncertainty: return a dict of outputs instead of the mean alone: `mean`, `spread` (standard deviation over
            members) and, for probabilities, `total_entropy`, `aleatoric_entropy` and `epistemic_entropy` in nats.

    Raises:
        UsageError: a model has several outputs.
    """
    import keras
    from keras import ops

    for model in models:
        if not isinstance(model.output, keras.KerasTensor):
            raise UsageError(f"expected models with one output, found several in {model.name}")
    inputs = keras.tree.map_structure(
        lambda one: keras.Input(batch_shape=one.shape, dtype=one.dtype, name=one.name), models[0].input
    )
    singles = [model(inputs) for model in models]
    stacked = ops.stack(singles, axis=-1)
    mean = ops.mean(stacked, axis=-1)
    outputs = mean
    if uncertainty:
        outputs = {"mean": mean, "spread": ops.std(stacked, axis=-1)} | _entropies(stacked, mean, kind)
    return inputs, singles, outputs


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


def kind_of(model) -> str | None:
    """Return which kind of probabilities a compiled model gives, by its loss, or `None` where it gives none."""
    import keras

    try:
        loss = keras.losses.get(model.loss)
    except (TypeError, ValueError):
        return None
    if getattr(loss, "get_config", dict)().get("from_logits", False):
        return None
    found = getattr(loss, "name", None) or getattr(loss, "__name__", "")
    if "categorical_crossentropy" in found:
        return CATEGORICAL
    return BINARY if "binary" in found and "crossentropy" in found else None

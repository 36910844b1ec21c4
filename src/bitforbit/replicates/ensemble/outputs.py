"""What a member gives: one output, or several by name; and which members can be averaged output by output."""

from typing import NamedTuple

from bitforbit.errors import UsageError


class Outputs(NamedTuple):
    """A model's outputs, in the order in which Keras flattens them (a dict by its sorted keys).

    Attributes:
        names: key of a dict, else Keras' name of the output; `None` where the model gives one bare tensor.
        shapes: of one batch, as `(None, 10)`.
        dtypes: as `float32`.
    """

    names: tuple[str, ...] | None
    shapes: tuple[tuple, ...]
    dtypes: tuple[str, ...]

    def spell(self) -> str:
        parts = zip(self.names or ("",), self.shapes, self.dtypes, strict=True)
        return ", ".join(f"{name} {shape} {dtype}".strip() for name, shape, dtype in parts)


def of(model) -> Outputs:
    """Return the outputs of a Keras model.

    Raises:
        UsageError: Keras knows neither its inputs nor its outputs, or one of them is no dense tensor of floats.
    """
    import keras

    try:
        structure, _ = model.output, model.input
    except (AttributeError, ValueError):
        raise UsageError(
            f"expected a Functional or Sequential model, found {type(model).__name__} {model.name}, whose inputs and"
            " outputs are not known before it is called. Next step: build it as keras.Model(inputs, outputs)"
        ) from None
    flat = keras.tree.flatten_with_path(structure)
    names = None
    if not isinstance(structure, keras.KerasTensor):
        names = tuple(_name(path, model.output_names[place], place) for place, (path, _) in enumerate(flat))
        if len(set(names)) < len(names):
            names = tuple(f"{name}_{place}" for place, name in enumerate(names))
    tensors = [tensor for _, tensor in flat]
    found = Outputs(names, tuple(tuple(t.shape) for t in tensors), tuple(str(t.dtype) for t in tensors))
    for tensor, dtype in zip(tensors, found.dtypes, strict=True):
        if getattr(tensor, "ragged", False) or getattr(tensor, "sparse", False) or not _is_float(dtype):
            kind = "ragged" if getattr(tensor, "ragged", False) else "sparse" if tensor.sparse else dtype
            raise UsageError(
                f"expected outputs that have a mean (dense tensors of floats), found {kind} in {model.name}:"
                f" {found.spell()}. Next step: let build_model end in scores or probabilities"
            )
    return found


def common(models: list) -> Outputs:
    """Return the outputs that all models have.

    Raises:
        UsageError: see `of`; also where two models have different outputs.
    """
    first = of(models[0])
    for model in models[1:]:
        other = of(model)
        if other != first:
            raise UsageError(
                f"expected members with the same outputs, found {first.spell()} in {models[0].name} and"
                f" {other.spell()} in {model.name}: build_model must not depend on the seed"
            )
    return first


def _is_float(dtype: str) -> bool:
    return "float" in dtype


def _name(path: tuple, keras_name: str, place: int) -> str:
    if all(isinstance(part, str) for part in path):
        return "/".join(path)
    return keras_name or f"output_{place}"

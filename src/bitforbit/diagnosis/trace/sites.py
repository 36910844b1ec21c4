"""The sites of one training step: what is digested, under which name, in the order of execution.

A site is named `<kind>/<path>`: `batch/x`, `act/dense` (a layer's output), `loss/loss`, `grad/dense/kernel`, then the
state after the step: `weight/dense/kernel`, `seed/dropout/seed_generator_state`, `slot/adam/dense_kernel_momentum`.
Digests are XXH3-64 of the bytes (see `native`): sensitive to order and to the sign of zero. It does not cover shape
and dtype, so both stand in the site's key.
"""

from typing import NamedTuple

from bitforbit.diagnosis.trace import native

BATCH, FORWARD, LOSS, GRADIENT, WEIGHT, SEED, SLOT = "batch", "act", "loss", "grad", "weight", "seed", "slot"
STATE = (WEIGHT, SEED, SLOT)
_BATCH_PARTS = ("x", "y", "sample_weight")


class Site(NamedTuple):
    """One tensor of a step.

    Attributes:
        name: `<kind>/<path>`.
        dtype: TensorFlow's name of the element type.
        shape: dimensions, `None` where a graph leaves one open, `None` as a whole where the rank is open.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None

    @property
    def kind(self) -> str:
        return self.name.partition("/")[0]

    @property
    def path(self) -> str:
        return self.name.partition("/")[2]

    def merged(self, other: "Site") -> "Site":
        """Return the site with those dimensions left open in which the other one differs."""
        if self.shape is None or other.shape is None or len(self.shape) != len(other.shape):
            return self._replace(shape=None)
        return self._replace(shape=tuple(a if a == b else None for a, b in zip(self.shape, other.shape, strict=True)))


class Collector:
    """Collects the sites of one step, in one graph or eagerly.

    A tensor of another graph than the step's, as of the body of a loop, cannot be used outside of it and is left out;
    the loop's own result is not.

    Args:
        keep: called with `(site name, tensor)` for each site, for a zoom that keeps values.
    """

    def __init__(self, keep=None):
        import tensorflow as tf

        self.graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
        self.sites: list[Site] = []
        self.digests = native.Digests()
        self._keep = keep
        self._names: dict[str, int] = {}
        # The tensors themselves, so that no id is given to another one meanwhile.
        self._seen: dict[int, object] = {}

    def add(self, kind: str, path: str, value) -> None:
        """Add the tensors of a nested structure; one that an earlier forward site holds already is not added again."""
        for name, tensor in leaves(path, value):
            if self._counts(tensor) and not (kind == FORWARD and id(tensor) in self._seen):
                self._seen[id(tensor)] = tensor
                self._add(f"{kind}/{name}", tensor)

    def add_variables(self, kind: str, variables) -> None:
        """Add Keras variables or TensorFlow's, by their paths."""
        variables = list(variables)
        for variable, tensor in zip(variables, _read(variables), strict=True):
            self._add(f"{kind}/{path_of(variable)}", tensor)

    def _add(self, name: str, tensor) -> None:
        self._names[name] = self._names.get(name, 0) + 1
        if self._names[name] > 1:
            name = f"{name}#{self._names[name]}"
        shape = None if tensor.shape.rank is None else tuple(tensor.shape.as_list())
        self.sites.append(Site(name, tensor.dtype.name, shape))
        self.digests.add(tensor)
        if self._keep:
            self._keep(name, tensor)

    def _counts(self, tensor) -> bool:
        import tensorflow as tf

        if graph_of(tensor) is not self.graph:
            return False
        return tensor.dtype not in (tf.resource, tf.variant) and tensor.shape.num_elements() != 0


def _read(variables) -> list:
    """Return the tensors of variables; in a graph by one op for all where that can be."""
    import tensorflow as tf
    from tensorflow.python.framework import op_def_library
    from tensorflow.python.ops.resource_variable_ops import BaseResourceVariable

    # TensorFlow's variables have a method of the name.
    values = [v if isinstance(v, BaseResourceVariable) else getattr(v, "value", v) for v in variables]
    plain = all(isinstance(value, BaseResourceVariable) and "CPU" in value.device for value in values)
    if tf.executing_eagerly() or not values or not plain:
        return [tf.convert_to_tensor(value) for value in values]
    # As ReadVariableOp, it copies what a sparse update would change in place.
    handles, dtypes = [value.handle for value in values], [value.dtype for value in values]
    tensors = op_def_library._apply_op_helper("_ReadVariablesOp", name="state", resources=handles, dtypes=dtypes)[-1]
    for tensor, value in zip(tensors, values, strict=True):
        tensor.set_shape(value.shape)
    return list(tensors)


def graph_of(value):
    """Return the graph of a tensor, `None` for an eager one, the value itself where it is no tensor."""
    import tensorflow as tf

    if not tf.is_tensor(value):
        return value
    return None if hasattr(value, "numpy") else value.graph


def leaves(path: str, value) -> list[tuple[str, object]]:
    """Return `(path, tensor)` of nested dicts, tuples and lists, and of the parts of sparse and ragged tensors."""
    import tensorflow as tf

    if isinstance(value, dict):
        return [leaf for key in value for leaf in leaves(f"{path}/{key}", value[key])]
    if isinstance(value, (tuple, list)):
        if len(value) == 1:
            return leaves(path, value[0])
        return [leaf for index, part in enumerate(value) for leaf in leaves(f"{path}/{index}", part)]
    if isinstance(value, (tf.RaggedTensor, tf.SparseTensor, tf.IndexedSlices)):
        parts = tf.nest.flatten(value, expand_composites=True)
        return [leaf for index, part in enumerate(parts) for leaf in leaves(f"{path}/part {index}", part)]
    return [] if value is None else [(path, value)]


def batch_parts(data) -> list[tuple[str, object]]:
    """Return `(path, value)` of what Keras hands to `train_step`: `x`, `y` and `sample_weight` where it is a tuple."""
    if isinstance(data, tuple) and 1 <= len(data) <= 3:
        return list(zip(_BATCH_PARTS, data, strict=False))
    return [("x", data)]


def path_of(variable) -> str:
    return getattr(variable, "path", None) or variable.name.partition(":")[0]


def state(collector: Collector, models, optimizers) -> None:
    """Add what the next step depends on: weights, seeds of random layers, the optimizers' slots."""
    collector.digests.begin_state()
    weights = list({id(weight): weight for model in models for weight in model.weights}.values())
    held = {id(variable) for variable in weights}
    rest = {id(variable): variable for model in models for variable in model.variables if id(variable) not in held}
    collector.add_variables(WEIGHT, weights)
    collector.add_variables(SEED, rest.values())
    for optimizer in optimizers:
        collector.add_variables(SLOT, optimizer.variables)

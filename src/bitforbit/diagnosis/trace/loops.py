"""Custom loops: a `GradientTape` in plain Python or in a user's own `tf.function`, without Keras' `fit`.

Nobody says where such a step begins or ends. Here it ends where an optimizer has applied its gradients; what ran on a
tape since the last time in the same graph belongs to it.
"""

from bitforbit.diagnosis.trace import sites

# A tape that no optimizer ever follows must not fill the memory.
LARGEST_STEP = 20_000


def graph_key() -> int:
    """Return a number for the graph in the making, 0 where there is none."""
    import tensorflow as tf

    return 0 if tf.executing_eagerly() else id(tf.compat.v1.get_default_graph())


class Pending:
    """The step in the making, in one graph or eagerly."""

    def __init__(self):
        self.collector = sites.Collector()
        self.models: dict[int, object] = {}


class Loops:
    """Pending steps by graph."""

    def __init__(self):
        self._pending: dict[int, Pending] = {}

    def recording(self) -> Pending | None:
        """Return the step that a layer called now belongs to: only what runs on a tape counts."""
        from tensorflow.python.eager import record

        return self.current() if record.could_possibly_record() else None

    def current(self) -> Pending:
        """Return the pending step of this graph, a new one where there is none."""
        key = graph_key()
        found = self._pending.get(key)
        if found is None or len(found.collector.sites) > LARGEST_STEP:
            found = self._pending[key] = Pending()
        return found

    def take(self) -> Pending:
        """Return the pending step of this graph and begin the next one."""
        found = self.current()
        self._pending.pop(graph_key(), None)
        return found

    @staticmethod
    def state(collector: sites.Collector, pending: Pending, optimizer, variables) -> None:
        """Add the state of a custom loop: of the called models, of other updated variables, of the optimizer."""
        models = list(pending.models.values())
        sites.state(collector, models, [])
        held = {id(variable) for model in models for variable in model.variables}
        collector.add_variables(sites.WEIGHT, [variable for variable in variables if id(variable) not in held])
        collector.add_variables(sites.SLOT, optimizer.variables)

"""The one step that a comparison wants to see at op level: of a model's `fit`, or of a custom loop."""

from bitforbit.diagnosis.trace import loops, owner, sites
from bitforbit.diagnosis.trace import zoom as zooming


class FitStep:
    """A step of a model's train function, which is made anew for it."""

    def __init__(self, tracer, model, mine: owner.Owner, original):
        self._tracer, self._model, self._mine, self._original = tracer, model, mine, original
        self._step, self._whole = model.train_step, max(int(getattr(model, "steps_per_execution", 1) or 1), 1)

    def _done(self) -> int:
        return self._mine.steps_of(self._tracer.zoom.stream, self._model.name)

    def is_next(self) -> bool:
        done = self._done()
        return 0 <= done <= self._tracer.zoom.step < done + self._whole

    def run(self, iterator) -> None:
        """Make the steps before it one by one, then the step itself, and end the process."""
        tracer, model, seen = self._tracer, self._model, {}

        def train_step(data):
            with zooming.Ops(tracer.layer) as ops:
                for path, part in sites.batch_parts(data):
                    ops.batch(path, part)
                _, collector = tracer.collect(model, self._step, data)
            seen["ops"], seen["row"] = ops, [site.name for site in collector.sites]
            return {"ops": ops.row(), "row": collector.digests.row()}

        before = tracer.zoom.step - self._done()
        model.steps_per_execution = 1
        single = tracer.made(model, self._original, tracer.collecting(model, self._step))
        for _ in range(before):
            single(iterator)
        if tracer.zoom.state:
            zooming.finish_state(tracer.zoom, lambda c: sites.state(c, [model], owner.optimizers_of(model)))
        found = tracer.made(model, self._original, train_step)(iterator)
        zooming.finish(tracer.zoom, seen["ops"], seen["row"], found)


class LoopStep:
    """A step of a custom loop: its ops from the first tape since the step before up to its optimizer.

    Eagerly they are listened to in that one step. A user's `tf.function` is made once for all steps, so there each
    step's ops are digested, and a branch that the one step takes hands over to Python.
    """

    def __init__(self, tracer):
        self._tracer = tracer
        self._ops: dict[int, zooming.Ops] = {}

    def begins(self) -> None:
        import tensorflow as tf

        key = loops.graph_key()
        if key in self._ops or (tf.executing_eagerly() and self._done() != self._tracer.zoom.step):
            return
        self._ops[key] = zooming.Ops(self._tracer.layer)
        self._ops[key].__enter__()

    def _done(self) -> int:
        stream = self._tracer.stream_named(self._tracer.zoom.stream)
        return stream.steps if stream else 0

    def batch(self, path: str, value) -> None:
        if ops := self._ops.get(loops.graph_key()):
            ops.batch(path, value)

    def ends(self, stream, collector: sites.Collector, row) -> None:
        """Hand the step to the comparison, where it is the one, after an optimizer has applied its gradients."""
        import tensorflow as tf

        zoom, key = self._tracer.zoom, loops.graph_key()
        if stream.writer.name != zoom.stream or key not in self._ops:
            return
        ops = self._ops.pop(key)
        ops.__exit__()
        names = [site.name for site in collector.sites]

        def finish(digests, row):
            zooming.finish(zoom, ops, names, {"ops": digests, "row": row})

        if tf.executing_eagerly():
            finish(ops.row(), row)
            return
        nothing, digests = tf.constant(0, tf.int64), ops.row()
        with tf.control_dependencies([row, digests]):
            now = tf.numpy_function(lambda: stream.steps == zoom.step + 1, [], tf.bool)
        tf.cond(now, lambda: tf.numpy_function(finish, [digests, row], tf.int64), lambda: nothing)

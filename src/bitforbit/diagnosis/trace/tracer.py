"""Trace every training of this process: what `train --trace`, `trace` and `run --trace` attach before it begins."""

import contextlib
import weakref
from pathlib import Path

from bitforbit.diagnosis.trace import hooks, sites, store
from bitforbit.diagnosis.trace import zoom as zooming
from bitforbit.diagnosis.trace.stream import Stream


class Tracer:
    """Collects digests of each training step from its making until `close`; changes no bit of what is trained.

    Args:
        folder: where the trace will stand.
        window: steps whose digests are kept in full; every step is in the chain.

    Attributes:
        notes: what could not be traced, in words.
    """

    def __init__(self, folder: Path, window: store.Window | None = None):
        self.zoom = zooming.asked()
        self.writer = store.Writer(
            Path(self.zoom.folder, "trace") if self.zoom else Path(folder), window or store.Window()
        )
        self.notes: list[str] = []
        self._owners: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self._streams: list[Stream] = []
        self._step: sites.Collector | None = None
        self._optimizers: list = []
        self._applying = 0
        self._calls = 0
        from bitforbit.diagnosis.trace import loops  # brings TensorFlow, which reading a trace does not need

        self._loops = loops.Loops()
        self._patches = hooks.Patches()
        hooks.install(self._patches, self)

    @property
    def steps(self) -> int:
        return sum(stream.writer.steps for stream in self._streams)

    def stop(self) -> None:
        """Stop listening and take what the graphs still hold."""
        self._patches.undo()
        for stream in self._streams:
            stream.flush()

    def close(self, header: dict) -> None:
        """Stop, write the trace and put it in its place."""
        self.stop()
        self.writer.close(header | {"notes": self.notes})

    def discard(self) -> None:
        """Stop listening and leave nothing."""
        self._patches.undo()
        self.writer.discard()

    def make_train_function(self, model, original, force: bool) -> None:
        """Make Keras' train function, of a step that collects; called by `fit` and by `train_on_batch`."""
        if getattr(model.train_function, "traced_by", None) is self and not force:
            return
        obstacle = _obstacle(model)
        if obstacle:
            self.notes.append(f"{model.name}: {obstacle}")
            original(model, force)
            return
        inner = self._made(model, original, self._collecting(model, model.train_step))
        owner, zoomed = self._owner(model), None
        if self.zoom:
            zoomed = _Zoomed(self, model, owner, original)

        def train_function(iterator):
            owner.before(model)
            if zoomed and zoomed.is_next():
                zoomed.run(iterator)
            try:
                return inner(iterator)
            finally:
                owner.called(_steps_of_a_call(model))

        train_function.traced_by = self
        model.train_function = train_function

    @staticmethod
    def _made(model, original, step):
        """Return Keras' train function of another `train_step`."""
        # Past Keras' tracking of attributes; it stands there only while Keras picks it up.
        object.__setattr__(model, "train_step", step)
        try:
            original(model, True)
        finally:
            object.__delattr__(model, "train_step")
        return model.train_function

    def _collecting(self, model, step):
        def train_step(data):
            result, collector = self.collect(model, step, data)
            self._stream(self._owner(model), model.name, collector, _steps_of_a_call(model))
            return result

        return train_step

    def collect(self, model, step, data) -> tuple:
        """Run one step, return what it returned and its sites."""
        collector = sites.Collector()
        for path, part in sites.batch_parts(data):
            collector.add(sites.BATCH, path, part)
        outer, self._step, self._optimizers = (self._step, self._optimizers), collector, []
        try:
            result = step(data)
        finally:
            used = self._optimizers
            self._step, self._optimizers = outer
        sites.state(collector, [model], used or _optimizers_of(model))
        return result, collector

    def _stream(self, owner: "_Owner", name: str, collector: sites.Collector, steps: int, alone=False) -> None:
        """Write a step's digests to the stream with these sites; shapes that differ between graphs are left open."""
        key = tuple((site.name, site.dtype) for site in collector.sites)
        if key not in owner.streams:
            owner.streams[key] = Stream(self.writer.stream(name, collector.sites), steps)
            owner.add(owner.streams[key])
            self._streams.append(owner.streams[key])
        stream = owner.streams[key]
        stream.writer.sites = [a.merged(b) for a, b in zip(stream.writer.sites, collector.sites, strict=True)]
        stream.write(collector.fingerprints, alone)

    def fit_begins(self, model) -> None:
        self._owner(model).fresh = True

    def epoch_begins(self, model, epoch: int) -> None:
        self._owner(model).epoch_begins(epoch)

    def entered(self, layer, args, kwargs) -> None:
        self._calls += 1
        if self._calls == 1 and self._step is None and (pending := self._loops.recording()):
            pending.models[id(layer)] = layer
            pending.collector.add(sites.BATCH, layer.name, list(args))

    def left(self, layer, output) -> None:
        self._calls -= 1
        if self._step is not None:
            self._step.add(sites.FORWARD, layer.path or layer.name, output)
        elif pending := self._loops.recording():
            pending.collector.add(sites.FORWARD, layer.path or layer.name, output)

    def loss(self, target) -> None:
        collector = self._step or self._loops.current().collector
        collector.add(sites.LOSS, "loss", target)

    @contextlib.contextmanager
    def applying(self, optimizer, gradients, variables):
        """Add the gradients that the outermost optimizer gets (a loss scaler calls an inner one)."""
        self._applying += 1
        outermost = self._applying == 1
        try:
            pending = self._loops.take() if outermost and self._step is None else None
            variables = list(variables or optimizer._trainable_variables)
            if outermost:
                self._optimizers.append(optimizer)
                collector = pending.collector if pending else self._step
                for gradient, variable in zip(gradients, variables, strict=False):
                    collector.add(sites.GRADIENT, sites.path_of(variable), gradient)
            if pending:
                self._owner(optimizer).before_loop(lambda c: self._loops.state(c, pending, optimizer, variables))
            yield
            if pending:
                self._loops.state(pending.collector, pending, optimizer, variables)
                self._stream(self._owner(optimizer), f"loop of {optimizer.name}", pending.collector, 1, alone=True)
        finally:
            self._applying -= 1

    def _owner(self, model) -> "_Owner":
        return self._owners.setdefault(model, _Owner())


class _Owner:
    """What is known of one model: its streams (several, where its steps have several lists of sites)."""

    def __init__(self):
        self.streams: dict[tuple, Stream] = {}
        self.fresh = True
        self._epochs: list[int] = []
        self._states: list[dict] = []

    def add(self, stream: Stream) -> None:
        """Give a new stream what happened before it was there."""
        stream.writer.epochs += [[epoch, 0] for epoch in self._epochs]
        stream.writer.starts += [(0, state) for state in self._states]

    def epoch_begins(self, epoch: int) -> None:
        self._epochs = [epoch]
        for stream in self.streams.values():
            stream.flush()
            stream.writer.epochs.append([epoch, stream.writer.steps])

    def before(self, model) -> None:
        """Digest the state that a fit starts from: the initial weights, or what a resumed run has restored."""
        self._begin(lambda collector: sites.state(collector, [model], _optimizers_of(model)))

    def before_loop(self, add) -> None:
        """Digest the state that a custom loop starts from; in a graph in the making nothing has run yet."""
        import tensorflow as tf

        with tf.init_scope():
            self._begin(add)

    def _begin(self, add) -> None:
        if not self.fresh:
            return
        self.fresh = False
        collector = sites.Collector()
        add(collector)
        state = {site.name: value for site, value in zip(collector.sites, collector.values(), strict=True)}
        self._states = [state]
        for stream in self.streams.values():
            stream.flush()
            stream.writer.starts.append((stream.writer.steps, state))

    def called(self, steps: int) -> None:
        for stream in self.streams.values():
            stream.called(steps)


class _Zoomed:
    """The one step that a comparison wants to see at op level."""

    def __init__(self, tracer: Tracer, model, owner: _Owner, original):
        self._tracer, self._model, self._owner, self._original = tracer, model, owner, original
        self._step, self._whole = model.train_step, _steps_of_a_call(model)

    def _done(self) -> int:
        """Return the steps that were made; -1 where the stream is not the one that is asked for."""
        wanted = self._tracer.zoom.stream
        for stream in self._owner.streams.values():
            if stream.writer.name == wanted:
                stream.flush()
                return stream.writer.steps
        return 0 if not self._owner.streams and wanted.startswith(self._model.name) else -1

    def is_next(self) -> bool:
        done = self._done()
        return 0 <= done <= self._tracer.zoom.step < done + self._whole

    def run(self, iterator) -> None:
        """Make the steps before it one by one, then the step itself, and end the process."""
        tracer, model, records, names = self._tracer, self._model, [], []

        def train_step(data):
            with zooming.Ops() as ops:
                for path, part in sites.batch_parts(data):
                    ops.batch(path, part)
                _, collector = tracer.collect(model, self._step, data)
            records[:], names[:] = ops.records, [site.name for site in collector.sites]
            digests = [sites.joined(part) for part in (ops.fingerprints, collector.fingerprints)]
            return {"ops": digests[0], "row": digests[1], "values": ops.values}

        before = tracer.zoom.step - self._done()
        model.steps_per_execution = 1
        single = tracer._made(model, self._original, tracer._collecting(model, self._step))
        for _ in range(before):
            single(iterator)
        found = tracer._made(model, self._original, train_step)(iterator)
        zooming.finish(tracer.zoom, records, names, found)


def _optimizers_of(model) -> list:
    optimizer = getattr(model, "optimizer", None)
    return [] if optimizer is None else [optimizer]


def _steps_of_a_call(model) -> int:
    return max(int(getattr(model, "steps_per_execution", 1) or 1), 1)


def _obstacle(model) -> str:
    """Return why a model's steps cannot be digested in their graph, or an empty text."""
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return "tf.distribute with several replicas"
    if model.jit_compile:
        return "jit_compile=True (tf.fingerprint has no XLA kernel)"
    return ""

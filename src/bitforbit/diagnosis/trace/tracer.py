"""Trace every training of this process: what `train --trace`, `trace` and `run --trace` attach before it begins."""

import contextlib
import weakref
from pathlib import Path

from bitforbit.diagnosis.trace import hooks, looked, loops, owner, sites, store
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
        self._inside: list = []
        self._loops = loops.Loops()
        self._looked = looked.LoopStep(self) if self.zoom and not self.zoom.state else None
        self._patches = hooks.Patches()
        hooks.install(self._patches, self)

    @property
    def steps(self) -> int:
        return sum(stream.steps for stream in self._streams)

    def stop(self) -> None:
        """Stop listening and take what the graphs still hold."""
        self._patches.undo()
        for stream in self._streams:
            stream.flush()
            stream.close()

    def close(self, header: dict) -> None:
        """Stop, write the trace and put it in its place."""
        self.stop()
        self.writer.close(header | {"notes": self.notes})

    def discard(self) -> None:
        """Stop listening and leave nothing."""
        self._patches.undo()
        for stream in self._streams:
            stream.close()
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
        inner = self.made(model, original, self.collecting(model, model.train_step))
        mine = self._owner(model)
        zoomed = looked.FitStep(self, model, mine, original) if self.zoom else None

        def train_function(iterator):
            mine.before(model)
            if zoomed and zoomed.is_next():
                zoomed.run(iterator)
            try:
                return inner(iterator)
            finally:
                mine.check()

        train_function.traced_by, train_function.made_by_keras = self, inner
        model.train_function = train_function

    @staticmethod
    def made(model, original, step):
        """Return Keras' train function of another `train_step`."""
        # Past Keras' tracking of attributes; it stands there only while Keras picks it up.
        object.__setattr__(model, "train_step", step)
        try:
            original(model, True)
        finally:
            object.__delattr__(model, "train_step")
        return model.train_function

    def collecting(self, model, step):
        def train_step(data):
            result, collector = self.collect(model, step, data)
            self._stream(self._owner(model), model.name, collector)
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
        sites.state(collector, [model], used or owner.optimizers_of(model))
        return result, collector

    def _stream(self, mine: owner.Owner, name: str, collector: sites.Collector):
        """Write a step's digests to the stream with these sites; shapes that differ between graphs are left open.

        Returns:
            The stream, and, where this process zooms, the digests as a tensor.
        """
        key = tuple((site.name, site.dtype) for site in collector.sites)
        if key not in mine.streams:
            mine.streams[key] = Stream(self.writer.stream(name, collector.sites))
            mine.add(mine.streams[key])
            self._streams.append(mine.streams[key])
        stream = mine.streams[key]
        stream.writer.sites = [a.merged(b) for a, b in zip(stream.writer.sites, collector.sites, strict=True)]
        return stream, stream.write(collector, self.zoom is not None)

    def stream_named(self, name: str) -> Stream | None:
        return next((stream for stream in self._streams if stream.writer.name == name), None)

    def layer(self) -> str:
        """Return the path of the innermost layer that is being called, empty outside of layers."""
        return (self._inside[-1].path or self._inside[-1].name) if self._inside else ""

    def fit_begins(self, model) -> None:
        self._owner(model).fresh = True

    def epoch_begins(self, model, epoch: int) -> None:
        self._owner(model).epoch_begins(epoch)

    def entered(self, layer, args, kwargs) -> None:
        self._inside.append(layer)
        if len(self._inside) == 1 and self._step is None and (pending := self._loops.recording()):
            pending.models[id(layer)] = layer
            pending.collector.add(sites.BATCH, layer.name, list(args))
            if self._looked:
                self._looked.batch(layer.name, list(args))

    def left(self, layer, output) -> None:
        self._inside.pop()
        if self._step is not None:
            self._step.add(sites.FORWARD, layer.path or layer.name, output)
        elif pending := self._loops.recording():
            pending.collector.add(sites.FORWARD, layer.path or layer.name, output)

    def tape_begins(self) -> None:
        if self._looked and self._step is None:
            self._looked.begins()

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
                mine, name = self._owner(optimizer), f"loop of {optimizer.name}"
                mine.before_loop(lambda c: self._loops.state(c, pending, optimizer, variables), name)
            yield
            if pending:
                self._loops.state(pending.collector, pending, optimizer, variables)
                stream, row = self._stream(mine, name, pending.collector)
                if self._looked:
                    self._looked.ends(stream, pending.collector, row)
        finally:
            self._applying -= 1

    def _owner(self, model) -> owner.Owner:
        return self._owners.setdefault(model, owner.Owner(self))


def _obstacle(model) -> str:
    """Return why a model's steps cannot be digested in their graph, or an empty text."""
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return "tf.distribute with several replicas"
    if model.jit_compile:
        return "jit_compile=True (the digest op has no XLA kernel)"
    return ""

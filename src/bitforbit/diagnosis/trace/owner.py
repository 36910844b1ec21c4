"""What a tracer knows of one model, or of the optimizer of a custom loop."""

from bitforbit.diagnosis.trace import sites
from bitforbit.diagnosis.trace import zoom as zooming
from bitforbit.diagnosis.trace.stream import Stream


class Owner:
    """What is known of one model: its streams (several, where its steps have several lists of sites)."""

    def __init__(self, tracer):
        self._tracer = tracer
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
            stream.writer.epochs.append([epoch, stream.steps])

    def before(self, model) -> None:
        """Digest the state that a fit starts from: the initial weights, or what a resumed run has restored."""
        self._begin(lambda collector: sites.state(collector, [model], optimizers_of(model)))

    def before_loop(self, add, name: str) -> None:
        """Digest the state that a custom loop starts from; in a graph in the making nothing has run yet."""
        import tensorflow as tf

        zoom = self._tracer.zoom
        with tf.init_scope():
            if zoom and zoom.state and zoom.step == 0 and self.steps_of(zoom.stream, name) == 0:
                zooming.finish_state(zoom, add)
            self._begin(add)

    def steps_of(self, wanted: str, name: str) -> int:
        """Return the steps of the stream that is called `wanted`, -1 where that is none of this owner's.

        Args:
            wanted: the stream's name in a trace.
            name: which the first stream of this owner asks for.
        """
        for stream in self.streams.values():
            if stream.writer.name == wanted:
                return stream.steps
        return 0 if not self.streams and self._tracer.writer.free(name) == wanted else -1

    def _begin(self, add) -> None:
        if not self.fresh:
            return
        self.fresh = False
        collector = sites.Collector()
        add(collector)
        state = {site.name: value for site, value in zip(collector.sites, collector.digests.values, strict=True)}
        self._states = [state]
        for stream in self.streams.values():
            stream.writer.starts.append((stream.steps, state))

    def check(self) -> None:
        for stream in self.streams.values():
            stream.check()


def optimizers_of(model) -> list:
    optimizer = getattr(model, "optimizer", None)
    return [] if optimizer is None else [optimizer]

"""What two runs differ in: one object, which text, JSON and HTML present."""

from dataclasses import asdict, dataclass, field

INIT, DATA, FORWARD, GRADIENT, OPTIMIZER = "init", "data", "forward", "gradient", "optimizer"

# Published digests of weights alone cannot tell which of the last three it was.
TRAINING = "training"

MEANING = {
    INIT: "the state that training started from",
    DATA: "what the step was given",
    FORWARD: "the forward pass",
    GRADIENT: "the backward pass",
    OPTIMIZER: "the update of weights and slots",
    TRAINING: "forward, gradient or optimizer: traces tell",
}


@dataclass(frozen=True)
class Elements:
    """Two tensors of one site, compared bit by bit.

    Attributes:
        count: elements whose bits differ.
        size: elements in all.
        largest_ulp: largest distance in representable numbers.
        description: what kind of difference it is, as `sign of zero` or `the same elements in another order`.
    """

    count: int
    size: int
    largest_ulp: int
    description: str

    def __str__(self) -> str:
        return f"{self.count} of {self.size} elements differ, by at most {self.largest_ulp} ulp: {self.description}"


@dataclass(frozen=True)
class Op:
    """The first op whose inputs agree and whose outputs do not.

    Attributes:
        type: TensorFlow's op type.
        name: in the graph.
        line: `file:line` of the code that made it: the user's, where a line of the user's own is in the step.
        code: the text of that line.
        stack: `file:line code` of what called it, the outermost first.
        inside: `file:line code` from that line on to where Keras made the op.
        layer: path of the layer that was being called.
        forward: name of the forward op whose gradient this op computes, empty for a forward op.
        output: index of the output that differs.
        elements: how far its outputs are apart, where both were kept.
    """

    type: str
    name: str
    line: str
    code: str
    stack: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    layer: str = ""
    forward: str = ""
    output: int = 0
    elements: Elements | None = None


@dataclass(frozen=True)
class Cause:
    """One recorded circumstance in which the two runs differ, or what else explains the difference.

    Attributes:
        name: as `thread pools`.
        a: in the first run.
        b: in the second one.
        why: how it changes bits.
    """

    name: str
    a: str
    b: str
    why: str


@dataclass(frozen=True)
class Difference:
    """The first difference of two runs.

    Attributes:
        kind: `init`, `data`, `forward`, `gradient` or `optimizer`; `training` where that cannot be told.
        level: `step` where traces were compared, `epoch` where only published digests were there.
        epoch: counted from 1; 0 before training.
        step: counted from 0 over the whole run, `None` at epoch level.
        stream: the model, or the optimizer of a custom loop.
        site: `act/dense`, `grad/dense/kernel`, ...; the variable at epoch level.
        layer: path of the layer, variable or batch part.
        tensor: dtype and shape, as `float32 (None, 10)`.
        summary: one sentence.
        differing: the sites of that step that differ, in the order of execution.
        sites: how many sites the step has.
        elements: how far the two tensors are apart, where both could be had.
        op: where it was made, after a zoom.
        causes: likely ones first.
        more: how to learn more, lines for the user.
    """

    kind: str
    level: str
    epoch: int | None
    step: int | None
    stream: str
    site: str
    layer: str
    tensor: str
    summary: str
    differing: tuple[str, ...] = ()
    sites: int = 0
    elements: Elements | None = None
    op: Op | None = None
    causes: tuple[Cause, ...] = ()
    more: tuple[str, ...] = field(default=())

    def record(self) -> dict:
        """Return JSON values."""
        return asdict(self)

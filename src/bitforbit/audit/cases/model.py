"""One case of the op census."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

F32 = ("float32",)
FLOATS = ("float32", "float64", "float16", "bfloat16")
REALS = ("float32", "float64")
COMPLEX = ("complex64", "complex128")


@dataclass(frozen=True)
class Case:
    """One op on one kind of input.

    Attributes:
        op: TensorFlow's op type, as `tf.raw_ops` has it.
        dtype: the element type that the op table speaks of, and of every input that names no other.
        variant: tells the cases of one op and dtype apart.
        arguments: the op's arguments: `In` and lists of `In` become tensors, all else is passed on.
        build: called with the tensors by name in place of the raw op, for ops that only Grappler makes or that work
            on a variable.
        mode: `eager`, `graph` (inside a `tf.function`) or `both`.
        suspect: the op is not claimed to be the same on every host; the case is there to show that it is not.
    """

    op: str
    dtype: str
    variant: str
    arguments: dict[str, Any] = field(default_factory=dict)
    build: Callable | None = None
    mode: str = "both"
    suspect: bool = False

    @property
    def key(self) -> str:
        return f"{self.op}/{self.dtype}/{self.variant}"

"""Digests of every training step, computed inside the graph, and their file; see docs/diagnosis.md."""

from bitforbit.diagnosis.trace.store import Window
from bitforbit.diagnosis.trace.stored import Trace, is_trace, read
from bitforbit.diagnosis.trace.tracer import Tracer

__all__ = ["Trace", "Tracer", "Window", "is_trace", "read"]

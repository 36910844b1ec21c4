"""Exact CPU kernels: replacements for the TensorFlow kernels whose bits depend on the CPU's vendor.

`load(threads)` puts them in force; `table.ROWS` says which ops, why, and how exactly; `docs/kernels.md` has the rest.
"""

from bitforbit.kernels.loader import KernelLibrary, load

__all__ = ["KernelLibrary", "load"]

"""Take the measures that only other hosts need away, from outside: nothing in the package can turn one off.

These are Eigen's cache sizes, the exact kernels, the audit of the ops, and the readings of where they stand in memory.
"""

from collections import Counter


def take_away() -> None:
    """To be called after `deferred.install` and before anything is activated."""
    from bitforbit.audit import graph
    from bitforbit.policy import natives, replacements

    natives.pin_eigen_caches = replacements.load = lambda *_: None
    natives.onednn_isa = natives.eigen_caches = replacements.in_force = lambda: "not asked"
    graph.trace = lambda *_: Counter()

"""The global generators: who draws from them before a seed, and another one in place of that of `bitforbit run`."""

import faulthandler
from typing import NamedTuple


class Generator(NamedTuple):
    """A global generator.

    Attributes:
        title: in words.
        library: the module that holds it.
        variable: makes a script begin with another seed of it.
    """

    title: str
    library: str
    variable: str


ALL = (
    Generator("Python's generator", "random", "BITFORBIT_RESEED_PYTHON"),
    Generator("NumPy's generator", "numpy.random", "BITFORBIT_RESEED_NUMPY"),
    Generator("TensorFlow's generator", "tensorflow", "BITFORBIT_RESEED_TENSORFLOW"),
)
MOST_USES = 40
_seeded: dict[str, bool] = {}


def reseed(names: list[str]) -> None:
    """Let `bitforbit run` give these generators another seed than it gives the rest; it counts as none."""
    from bitforbit.training import seeds

    stock = seeds.seed_globals

    def seed_globals(seed: int, label: str) -> None:
        stock(seed, label)
        for name in names:
            _give(name, seeds.stream(seed, f"{label}/other", bits=32))
            _seeded[name] = False

    seeds.seed_globals = seed_globals


def _give(name: str, seed: int) -> None:
    if name == "tensorflow":
        import tensorflow

        tensorflow.random.set_seed(seed)
    elif name == "random":
        import random

        random.seed(seed)
    else:
        import numpy

        numpy.random.seed(seed)


def watch(log) -> None:
    """Write the stack of each use of Python's and NumPy's global generators before they are seeded."""
    import random

    import numpy

    for module, state in ((random, random._inst), (numpy.random, numpy.random.mtrand._rand)):
        for name in dir(module):
            function = getattr(module, name)
            if getattr(function, "__self__", None) is state and not name.startswith("get"):
                setattr(module, name, _watched(module.__name__, name, function, log))


def _watched(module: str, name: str, function, log):
    uses = 0

    def watched(*args, **kwargs):
        nonlocal uses
        given = bool((args and args[0] is not None) or kwargs)
        if name in ("seed", "setstate", "set_state"):
            _seeded[module] = _seeded.get(module, False) or given
        elif not _seeded.get(module) and uses < MOST_USES:
            uses += 1
            log.write(f"event {module}.{name} {uses}\n".encode())
            faulthandler.dump_traceback(log, all_threads=False)
        return function(*args, **kwargs)

    return watched

"""Put off modules that Keras imports at once and few programs use, until one of their names is asked for.

`import keras` loads scikit-learn (with scipy.stats) for `keras.wrappers` and matplotlib.pyplot for
`keras.visualization`: a quarter of the CPU time that it takes. Both stay whole: the first look at a name inside loads
them. No bit depends on it.
"""

import importlib.machinery
import sys
import threading
import types

MODULES = ("keras.wrappers", "keras.visualization", "keras.src.visualization")

_lock = threading.RLock()


class _Deferred(types.ModuleType):
    """A module whose code has not run yet.

    `importlib.util.LazyLoader` would load it as soon as anything walks over `sys.modules`, as `inspect.getmodule` does
    when it asks each for its `__file__`; here names with underscores, which the import system sets, load nothing.
    """

    def __getattr__(self, name: str):
        if not name.startswith("__"):
            _load(self)
            if name in self.__dict__:
                return self.__dict__[name]
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)

    def __dir__(self):
        _load(self)
        return sorted(self.__dict__)


def _load(module: types.ModuleType) -> None:
    with _lock:
        if type(module) is _Deferred:
            # An ordinary module from here on, also for its own code, which may look at it while it runs.
            module.__class__ = types.ModuleType
            try:
                module.__loader__.real.exec_module(module)
            except BaseException:
                module.__class__ = _Deferred
                raise


class _Loader:
    """Makes the module, and runs nothing in it; answers whatever else is asked as the real loader does."""

    def __init__(self, real):
        self.real = real

    def __getattr__(self, name: str):
        return getattr(self.real, name)

    def create_module(self, spec):
        return _Deferred(spec.name)

    def exec_module(self, module):
        pass


class _Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in MODULES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def install() -> None:
    """Put off the import of `MODULES` from here on; what is loaded already stays as it is."""
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)

"""Watch by functions that stand in the place of the watched ones: Python 3.11."""

import contextlib
import functools
from collections.abc import Iterator

from bitforbit.diagnosis.sentinel.judge import NOWHERE, Sentinel
from bitforbit.diagnosis.sentinel.table import CLOCKS, Clock, watched

KEYWORDS = ("seed", "a", "x", "entropy", "op_seed")
INHERITABLE = 1 << 10


@contextlib.contextmanager
def active(sentinel: Sentinel) -> Iterator[None]:
    """Report to `sentinel` while the block runs."""
    with contextlib.ExitStack() as stack:

        def put(owner, name: str, new, held) -> None:
            setattr(owner, name, new)
            stack.callback(setattr, owner, name, held)

        for owner, name, role in watched():
            held = vars(owner)[name] if isinstance(owner, type) else getattr(owner, name)
            if isinstance(held, type):
                if not held.__flags__ & INHERITABLE:
                    continue
                new = _subclass(sentinel, name, role, held)
            elif isinstance(held, classmethod):
                new = classmethod(_function(sentinel, role, held.__func__, skip=1))
            else:
                new = _function(sentinel, role, held, skip=int(isinstance(owner, type)))
            put(owner, name, new, held)
        for clock in CLOCKS:
            # A date's class cannot be given another function.
            if not isinstance(clock.owner, type):
                held = getattr(clock.owner, clock.name)
                put(clock.owner, clock.name, _clock(sentinel, clock, held), held)
        yield


def first(args: tuple, kwargs: dict):
    """Return the argument that can be a seed, `NOWHERE` where there is none."""
    return args[0] if args else next((kwargs[name] for name in KEYWORDS if name in kwargs), NOWHERE)


def _function(sentinel: Sentinel, role: str, stock, skip: int):
    """Return a function that reports and does what `stock` does; `skip` leaves out `self` or `cls`."""

    @functools.wraps(stock)
    def reports(*args, **kwargs):
        sentinel.called(role, first(args[skip:], kwargs))
        return stock(*args, **kwargs)

    return reports


def _clock(sentinel: Sentinel, clock: Clock, stock):
    """Return a function that does what `stock` does, and reports between which moments it read the clock."""

    @functools.wraps(stock)
    def reads(*args):
        before = clock.now()
        found = stock(*args)
        sentinel.read(before, clock.now(), clock.wall)
        return found

    return reads


def _subclass(sentinel: Sentinel, name: str, role: str, stock: type) -> type:
    """Return a subclass that reports and makes instances of `stock`."""

    class Same(type(stock)):
        def __instancecheck__(cls, instance):
            return isinstance(instance, stock) if cls is Watched else type.__instancecheck__(cls, instance)

        def __subclasscheck__(cls, other):
            return issubclass(other, stock) if cls is Watched else type.__subclasscheck__(cls, other)

    class Watched(stock, metaclass=Same):
        def __new__(cls, *args, **kwargs):
            if cls is Watched:
                sentinel.called(role, first(args, kwargs))
                return stock(*args, **kwargs)
            return stock.__new__(cls, *args, **kwargs)

    Watched.__name__ = Watched.__qualname__ = name
    return Watched

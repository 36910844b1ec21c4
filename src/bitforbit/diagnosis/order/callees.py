"""What is called at a site: whether the order of a set that it is given can matter there."""

import builtins
import functools
import inspect
import sys

from bitforbit.diagnosis import whose

_MISSING = object()


def ignores_order(callee: tuple[str, ...], frame) -> bool:
    """Return whether what `callee` names in `frame` takes no order: a method of a set, or the user's own code.

    The user's code has sites of its own, and may change the set that it is given. Nothing of the program is run.
    """
    found = _resolve(callee, frame) if callee else _MISSING
    if found is _MISSING:
        return False
    found = _inner(found)
    if getattr(found, "__objclass__", None) in (set, frozenset):
        return True
    code = getattr(found, "__code__", None)
    if code is not None:
        return whose.is_program(code.co_filename)
    kind = found if isinstance(found, type) else type(found)
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    return file is not None and whose.is_program(file)


def _resolve(callee: tuple[str, ...], frame):
    first, *rest = callee
    for scope in (frame.f_locals, frame.f_globals, vars(builtins)):
        if first in scope:
            found = scope[first]
            break
    else:
        return _MISSING
    for name in rest:
        found = inspect.getattr_static(found, name, _MISSING)
        if found is _MISSING:
            return _MISSING
    return found


def _inner(found):
    """What a method, a wrapped or a partial function is in the end."""
    for _ in range(8):
        if isinstance(found, functools.partial):
            found = found.func
        else:
            deeper = inspect.getattr_static(found, "__wrapped__", None) or getattr(found, "__func__", None)
            if deeper is None:
                break
            found = deeper
    return found

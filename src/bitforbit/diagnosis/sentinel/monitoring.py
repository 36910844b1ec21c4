"""Watch by `sys.monitoring`: Python 3.12 and later.

A watched function that is written in Python reports its own start, with its arguments by name. One that is written in C
is seen at the call. A call site that calls nothing watched is switched off after its first call, so that a loop is not
slowed; all but those that hand on `*args`, as a wrapper calls another function each time. There a seed that is given by
keyword has no value that can be seen.
"""

import contextlib
import inspect
import opcode
import sys
import threading
from collections.abc import Iterator

from bitforbit.diagnosis.sentinel import patching
from bitforbit.diagnosis.sentinel.judge import NOWHERE, UNSEEN, Sentinel
from bitforbit.diagnosis.sentinel.table import CLOCKS, watched


@contextlib.contextmanager
def active(sentinel: Sentinel) -> Iterator[None]:
    """Report to `sentinel` while the block runs; where every tool's place is taken, patch instead."""
    tools = sys.monitoring
    tool = next((number for number in (tools.PROFILER_ID, 3, 4) if tools.get_tool(number) is None), None)
    if tool is None:
        with patching.active(sentinel):
            yield
        return
    starts, calls = _roles()

    def on_start(code, offset):
        role, skip = starts[code]
        sentinel.called(role, _argument(sys._getframe(1), skip))

    sites: dict[tuple[int, int], bool] = {}
    clocks = {getattr(clock.owner, clock.name): clock for clock in CLOCKS}
    began = threading.local()

    def on_call(code, offset, function, first):
        try:
            role, clock = calls.get(function), clocks.get(function)
        except TypeError:
            role = clock = None
        if clock:
            began.at = clock.now()
            return None
        hands_on = sites.get((id(code), offset))
        if hands_on is None:
            hands_on = sites[id(code), offset] = opcode.opname[code.co_code[offset]] == "CALL_FUNCTION_EX"
        if role is None:
            return None if hands_on else tools.DISABLE
        # Without positional arguments 3.12 says None and 3.13 says MISSING where arguments are handed on.
        if hands_on and (first is None or first is tools.MISSING):
            first = UNSEEN
        sentinel.called(role, NOWHERE if first is tools.MISSING else first)
        return None

    def on_return(code, offset, function, first):
        try:
            clock = clocks.get(function)
        except TypeError:
            return
        if clock and (before := getattr(began, "at", None)) is not None:
            sentinel.read(before, clock.now(), clock.wall)

    tools.use_tool_id(tool, "bitforbit-sentinel")
    tools.register_callback(tool, tools.events.PY_START, on_start)
    tools.register_callback(tool, tools.events.CALL, on_call)
    tools.register_callback(tool, tools.events.C_RETURN, on_return)
    for code in starts:
        tools.set_local_events(tool, code, tools.events.PY_START)
    tools.set_events(tool, tools.events.CALL)  # and so what calls of C return
    try:
        yield
    finally:
        tools.set_events(tool, 0)
        for code in starts:
            tools.set_local_events(tool, code, 0)
        for event in (tools.events.PY_START, tools.events.CALL, tools.events.C_RETURN):
            tools.register_callback(tool, event, None)
        tools.free_tool_id(tool)
        tools.restart_events()


def _roles() -> tuple[dict, dict]:
    """Return `code -> (role, arguments to skip)` of Python's functions, and `object -> role` of the others."""
    starts, calls = {}, {}
    for owner, name, role in watched():
        function = inspect.unwrap(getattr(owner, name))
        bound = inspect.ismethod(function) or isinstance(owner, type)
        plain = function.__func__ if inspect.ismethod(function) else function
        # Cython's functions have a `__code__` too, which nothing runs.
        if inspect.isfunction(plain):
            starts[plain.__code__] = role, int(bound)
        else:
            with contextlib.suppress(TypeError):
                calls[function] = role
    return starts, calls


def _argument(frame, skip: int):
    """Return a started function's first argument after `skip`, `NOWHERE` where it has none."""
    code = frame.f_code
    names = code.co_varnames[skip : code.co_argcount]
    return frame.f_locals.get(names[0], NOWHERE) if names else NOWHERE

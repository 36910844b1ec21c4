"""Execute a script in this process as `python script.py` would: the same `__main__`, argv, path, traceback and exit."""

import builtins
import contextlib
import os
import sys
import threading
import types
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis import whose
from bitforbit.errors import UsageError

FINISHED, EXITED, RAISED, INTERRUPTED = "finished", "exited", "raised", "interrupted"


class Program(NamedTuple):
    """A script as read from disk.

    Attributes:
        name: the file's name without its suffix.
        path: as given; it becomes `sys.argv[0]`.
        source: its bytes.
        arguments: what belongs to the script.
    """

    name: str
    path: str
    source: bytes
    arguments: tuple[str, ...]

    @property
    def folder(self) -> str:
        """The folder that Python puts first on `sys.path`: that of the file behind a link."""
        return os.path.dirname(os.path.realpath(self.path))


class Ending(NamedTuple):
    """How a script ended.

    Attributes:
        status: `finished`, `exited` (a code other than 0), `raised` or `interrupted`.
        code: the exit code, as `sys.exit` takes it.
        error: type of the exception that nobody caught, or an empty text.
        missing: name of a module that it could not import, or an empty text.
    """

    status: str
    code: int
    error: str = ""
    missing: str = ""


def read(path: str, arguments) -> Program:
    """Return the script at `path`.

    Raises:
        UsageError: there is no such file, or it cannot be read.
    """
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(
            f"expected a Python script at {path}, found: {error.strerror}."
            " Next step: bitforbit run [OPTIONS] script.py [the script's own arguments]"
        ) from None
    return Program(Path(path).stem, path, source, tuple(arguments))


def execute(program: Program) -> Ending:
    """Run the script to its end, non-daemon threads included; prints what Python would print of an exception."""
    module = _main_module(program)
    sys.argv = [program.path, *program.arguments]
    if not sys.flags.safe_path:
        sys.path[0] = program.folder
    try:
        exec(compile(program.source, module.__file__, "exec", dont_inherit=True), module.__dict__)
        ending = Ending(FINISHED, 0)
    except SystemExit as error:
        ending = _exit(error.code)
    except BaseException as error:
        ending = _raised(error)
    _wait_for_threads()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    return ending


def _main_module(program: Program) -> types.ModuleType:
    module = types.ModuleType("__main__")
    path = os.path.join(os.getcwd(), program.path)
    module.__dict__.update(
        __file__=path, __builtins__=builtins, __cached__=None, __loader__=SourceFileLoader("__main__", path),
    )  # fmt: skip
    sys.modules["__main__"] = module
    # What a spawned process sends back is pickled under this name; multiprocessing set it as it was imported.
    if "__mp_main__" in sys.modules:
        sys.modules["__mp_main__"] = module
    return module


def _exit(code) -> Ending:
    if code is None:
        code = 0
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    return Ending(EXITED if code else FINISHED, int(code))


def _raised(error: BaseException) -> Ending:
    _trim(error)
    sys.excepthook(type(error), error, error.__traceback__)
    missing = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    status = INTERRUPTED if isinstance(error, KeyboardInterrupt) else RAISED
    return Ending(status, 1, type(error).__name__, missing.partition(".")[0])


def _trim(error: BaseException) -> None:
    """Take this package's frames out of the traceback, and out of those of its causes."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        frames, link = [], current.__traceback__
        while link is not None:
            if not link.tb_frame.f_code.co_filename.startswith(whose.PACKAGE):
                frames.append(link)
            link = link.tb_next
        rebuilt = None
        for kept in reversed(frames):
            rebuilt = types.TracebackType(rebuilt, kept.tb_frame, kept.tb_lasti, kept.tb_lineno)
        current.__traceback__ = rebuilt
        pending += [current.__cause__, current.__context__, *getattr(current, "exceptions", ())]


def _wait_for_threads() -> None:
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()

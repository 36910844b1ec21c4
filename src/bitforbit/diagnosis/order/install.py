"""Put the watch into this process, as a variable says, before any line of the user's is compiled.

BITFORBIT_ORDERS  a JSON file: `log` is where to write; `known` the log whose orders are brought back, or null to
                  write down those of this run; `sites` those at which they are, or null for all
"""

import builtins
import contextlib
import importlib.machinery
import json
import os
import runpy
from pathlib import Path

from bitforbit.diagnosis import whose
from bitforbit.diagnosis.order import VARIABLE, rewrite
from bitforbit.diagnosis.order.watch import Watch


def request(path: Path, known: Path | None = None, sites: list[str] | None = None) -> dict[str, str]:
    """Write what a run is to do beside its log, and return the variable."""
    asked = path.with_suffix(".json")
    asked.write_text(json.dumps({"log": str(path), "known": known and str(known), "sites": sites}))
    return {VARIABLE: str(asked)}


def from_environment() -> None:
    """Install what the variable asks for."""
    asked = json.loads(Path(os.environ[VARIABLE]).read_text())
    known, sites = asked["known"], asked["sites"]
    install(Path(asked["log"]), read(Path(known)) if known else None, None if sites is None else set(sites))


def read(log: Path) -> list[dict]:
    """Return the lines of a log, none where there is no such file."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def install(path: Path, known: list[dict] | None = None, chosen: set[str] | None = None) -> Watch:
    """Watch all code of the user's that is compiled from now on; see `Watch`."""
    # Open as long as the process, and unbuffered: a program may end by os._exit.
    file = open(path, "ab", buffering=0)  # noqa: SIM115
    watch = Watch(lambda line: file.write(line.encode() + b"\n"), known, chosen)
    os.register_at_fork(after_in_child=lambda: setattr(watch, "log", lambda line: None))
    for kind, function in watch.functions().items():
        setattr(builtins, rewrite.NAMES[kind], function)
    _compile_watched(watch)
    return watch


def _compile_watched(watch: Watch) -> None:
    """Stand in where modules, and the script itself, become code."""
    stock, loader = builtins.compile, importlib.machinery.SourceFileLoader
    stock_code = loader.get_code

    def compile_(source, filename, mode, *args, **kwargs):
        if mode == "exec" and isinstance(source, bytes | str) and whose.is_program(str(filename)):
            code = _rewritten(source, str(filename), watch)
            if code:
                return code
        return stock(source, filename, mode, *args, **kwargs)

    def get_code(self, fullname):
        # Not from the cache of compiled files, and nothing goes there.
        code = None
        if whose.is_program(self.path):
            with contextlib.suppress(OSError):
                code = _rewritten(self.get_data(self.path), self.path, watch)
        return code or stock_code(self, fullname)

    from bitforbit.diagnosis.script import program

    loader.get_code = get_code
    runpy.compile = program.compile = compile_


def _rewritten(source, file: str, watch: Watch):
    """The code with sites; `None` where this source cannot be rewritten, which Python then takes as it is."""
    before = len(watch.sites)
    try:
        return rewrite.compiled(source, file, watch.sites)
    except Exception:
        del watch.sites[before:]
        return None

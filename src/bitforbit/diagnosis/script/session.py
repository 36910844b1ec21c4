"""One script's run from the policy to the published folder; stdout, stdin and the exit code are the script's own."""

import atexit
import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import NamedTuple

from bitforbit.audit import table
from bitforbit.diagnosis.script import fits, overrides, program, record
from bitforbit.errors import BitforbitError
from bitforbit.policy import Policy, activate, readback
from bitforbit.training import seeds, store

# A script may choose its own element type and compile flags: its own decision, and the same one on every host.
SCRIPTS_OWN = ("keras config", "jit_compile")


class Request(NamedTuple):
    """What to run.

    Attributes:
        program: the script.
        seed: 0 to 2^64 - 1; seeds the global generators before the script starts.
        policy: what is pinned.
        root: folder of all runs, absolute.
        strict: refuse to start where a knob did not take.
        observers: see `fits.watched`.
        contexts: context managers that stand around the script, as the sentinel.
    """

    program: program.Program
    seed: int
    policy: Policy
    root: Path
    strict: bool = True
    observers: tuple = ()
    contexts: tuple = ()


def run(request: Request) -> int:
    """Run the script and return its exit code; what is said goes to stderr.

    Raises:
        BitforbitError: the policy did not take or the runs' folder cannot be written; the script did not start.
    """
    deviations = [reading.complaint for reading in activate(request.policy, request.strict)]
    store.prepare(request.root / request.program.name)
    seeds.seed_globals(request.seed, "script")
    process, began = os.getpid(), time.monotonic()
    with contextlib.ExitStack() as stack:
        seen = stack.enter_context(fits.watched(request.observers))
        noticed = stack.enter_context(overrides.noticed(request.program.folder))

        def close(ending: program.Ending) -> None:
            if os.getpid() == process:
                _close(request, ending, seen, noticed, deviations, time.monotonic() - began)

        stack.enter_context(_hard_exits(close))
        for context in request.contexts:
            stack.enter_context(context)
        ending = program.execute(request.program)
    close(ending)
    if ending.status == program.INTERRUPTED and os.getpid() == process:
        atexit.register(_die_of_interrupt)
    return ending.code


@contextlib.contextmanager
def _hard_exits(close):
    """Keep the evidence where the script leaves by `os._exit`; in a forked child `close` does nothing."""
    stock = os._exit

    def leave(status):
        with contextlib.suppress(BaseException):
            close(program.Ending(program.EXITED if status else program.FINISHED, status))
        stock(status)

    os._exit = leave
    try:
        yield
    finally:
        os._exit = stock


def _die_of_interrupt() -> None:
    """End as Python ends after Ctrl-C: by the signal, so that a shell's loop stops too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


def _close(request, ending, seen, noticed, deviations, seconds) -> None:
    """Read the knobs back, publish, and say so; a failure here is said and never changes the script's exit code."""
    moved = [] if deviations else _moved(request.policy)
    try:
        done = record.Run(
            request.program, request.seed, request.policy, deviations + moved, ending, seen, noticed,
            _models(), seconds,
        )  # fmt: skip
        published = record.publish(done, request.root) if ending.status != program.INTERRUPTED else None
    except BitforbitError as error:
        say(f"{error}")
        return
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        say(
            f"nothing was published: {error.strerror or error}{where}; the exit code is the script's."
            f" Next step: free some space in {request.root}, or --runs FOLDER"
        )
        return
    _report(done, published, moved)


def _moved(policy: Policy) -> list[str]:
    """Return the complaints on knobs that no longer hold; a knob that cannot be read any more does not hold."""
    try:
        readings = readback.read_effects(policy)
    except Exception as error:
        return [f"the policy could not be read back after the script: {type(error).__name__}: {error}"]
    return [r.complaint for r in readings if not r.took and r.name not in SCRIPTS_OWN]


def _models() -> dict[str, str]:
    try:
        return record.models()
    except Exception:
        return {}


def say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(f"bitforbit run: {text}", file=sys.stderr, flush=True)


def _report(run: record.Run, published, moved: list[str]) -> None:
    for override in run.overrides:
        say(f"{override.place} {override.text}")
    for complaint in moved:
        say(f"a knob was changed by the script, so no host class is claimed: {complaint}")
    if run.ending.missing:
        say(
            f"the script needs {run.ending.missing!r}, which is not installed. Next step:"
            f" {os.path.basename(sys.executable)} -m pip install {run.ending.missing}, in this environment"
        )
    _report_ops(run)
    name = f"{run.program.name} seed {run.seed}"
    if published is None:
        say(f"{name}: interrupted; nothing was published")
        return
    how = {program.FINISHED: "finished", program.EXITED: f"exit code {run.ending.code}"}
    say(f"{name}: {how.get(run.ending.status, run.ending.error)}, {_count(run)}")
    for fit in run.fits:
        epochs = max(len(fit.epochs) - 1, 0)
        say(f"  {'fit ' + str(fit.number):12} {fit.model}: {epochs} epoch{'s' * (epochs != 1)}{_last(fit)}")
    if run.fits or run.models:
        say(f"  {'host class':12} {published.result['host_class']}")
        say(f"  {'weights':12} {published.result['weights']}")
        say(f"  {'result':12} {published.digest}")
    say(f"  {'run':12} {published.folder}")


def _count(run: record.Run) -> str:
    if not run.fits:
        known = f"the weights of {len(run.models)} global models are digested" if run.models else "nothing was digested"
        return f"no fit was seen; {known}"
    return "1 fit" if len(run.fits) == 1 else f"{len(run.fits)} fits"


def _last(fit) -> str:
    logs = fit.epochs[-1]["logs"] if fit.epochs else {}
    return ", " + ", ".join(f"{name} {value:.6g}" for name, value in logs.items() if isinstance(value, float)) \
        if logs else ""  # fmt: skip


def _report_ops(run: record.Run) -> None:
    found = record.audited(run)
    for verdict, words in (
        (table.HOST_DEPENDENT, "other CPUs give other bits"),
        (table.UNPROVEN, "not known to give the same bits on every host"),
        (table.LIBC, "calls the C library, whose versions round differently"),
    ):
        for finding in found.of(verdict) if run.fits else ():
            instead = f". Next step: use {finding.row.instead}" if verdict == table.HOST_DEPENDENT else ""
            say(f"{finding}: {words}{instead}")

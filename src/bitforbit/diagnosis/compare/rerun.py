"""Start both runs again up to the step that differs, to see it at op level."""

import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.compare import elements, frontier
from bitforbit.diagnosis.compare.difference import Difference
from bitforbit.diagnosis.trace import environment, zoom
from bitforbit.diagnosis.trace.stored import Stream, Trace

_ABSENT = (
    "op, line and elements: not looked at, because {reason}; where both runs can be started again, compare does it"
)


class CannotRerunError(Exception):
    """Raised when a traced run cannot be started again on this machine."""


class Again(NamedTuple):
    """A step seen again, and whether it had the digests that the trace holds."""

    step: frontier.Step
    repeats: bool


def zoomed(found: Difference, a: Trace, b: Trace, step: int, step_b: int, ops: bool = True) -> Difference:
    """Return the difference with op, line and elements, or with a line that says why they are not known.

    Args:
        found: as the digests show it.
        a, b: the traces.
        step, step_b: the step in each of them.
        ops: name the op; what a step was given was made by none of its ops.
    """
    try:
        again = _both(found.stream, (a, step), (b, step_b), state=False)
    except CannotRerunError as error:
        return _absent(found, error)
    found, stable = _told(found, again, (a, b), step)
    op = frontier.find(again[0].step, again[1].step) if ops else None
    if ops and op is None and stable:
        line = "at op level the step agrees: the difference is in the state before it or outside of the graph"
        found = replace(found, more=(*found.more, line))
    return replace(found, op=op, elements=_elements(found, again) or (op and op.elements))


def with_state(found: Difference, a: Trace, b: Trace, step: int, step_b: int) -> Difference:
    """Return a difference in the state before a step, with its elements; arguments as of `zoomed`."""
    try:
        again = _both(found.stream, (a, step), (b, step_b), state=True)
    except CannotRerunError as error:
        return _absent(found, error)
    found, _ = _told(found, again, (a, b), step)
    values = [seen.step.values.get(found.site) for seen in again]
    return found if any(value is None for value in values) else replace(found, elements=elements.compare(*values))


def _both(stream: str, *sides: tuple[Trace, int], state: bool) -> list[Again]:
    """Start both again, side by side."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda side: _again(*side, stream, state), sides))


def _absent(found: Difference, error: Exception) -> Difference:
    return replace(found, more=(*found.more, _ABSENT.format(reason=error)))


def _told(found: Difference, again: list[Again], traces, step: int) -> tuple[Difference, bool]:
    """Say which run gave other digests when it was started again; return whether none did."""
    unstable = [str(side.folder) for side, seen in zip(traces, again, strict=True) if not seen.repeats]
    if not unstable:
        return found, True
    line = (
        f"{' and '.join(unstable)}, started again here, has other digests at step {step}: a race, unseeded"
        " randomness, or another host than the one of the trace. Next step: bitforbit diagnose"
    )
    return replace(found, more=(*found.more, line)), False


def _elements(found: Difference, again: list[Again]):
    """Compare the values of the coarse site: the op output that has the site's digest."""
    arrays = []
    for seen in again:
        digest = seen.step.row.get(found.site)
        columns = [n for n, value in enumerate(seen.step.digests) if value == digest and str(n) in seen.step.values]
        if not columns:
            return None
        arrays.append(seen.step.values[str(columns[0])])
    return elements.compare(*arrays)


def _again(side: Trace, step: int, stream: str, state: bool) -> Again:
    how = side.header.get("rerun") or {}
    command, folder = how.get("command", []), how.get("folder", "")
    if not command or not Path(command[0]).exists() or not Path(folder).is_dir():
        raise CannotRerunError(f"the interpreter or the folder of {side.folder} is not on this machine")
    with tempfile.TemporaryDirectory(prefix="bitforbit-zoom-") as place:
        variables = {name: value for name, value in os.environ.items() if name not in environment.variables()}
        variables |= how["variables"] | zoom.Zoom(stream, step, place, state).environment()
        if "--runs" in command:
            # Nothing is published, but the folder of all runs is made before the start.
            command = [*command]
            command[command.index("--runs") + 1] = place
        done = subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if not Path(place, zoom.REPORT).is_file():
            # After a script's traceback come lines of ours.
            said = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("bitforbit run:")]
            last = said[-1] if said else f"exit {done.returncode}"
            raise CannotRerunError(f"{side.folder}, started again, did not reach step {step}: {last[:160]}")
        seen = frontier.read(Path(place))
        seen = seen._replace(values={name: seen.values[name] for name in seen.values.files})
    return Again(seen, state or _repeats(side, stream, step, seen.row))


def _repeats(side: Trace, name: str, step: int, row: dict[str, int]) -> bool:
    stream: Stream = next(item for item in side.streams if item.name == name)
    if step not in stream.kept:
        return True
    recorded = stream.digests[step - stream.kept.start]
    return all(row.get(site.name) == int(value) for site, value in zip(stream.sites, recorded, strict=True))

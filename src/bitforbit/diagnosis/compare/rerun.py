"""Start both runs again up to the step that differs, to see it at op level."""

import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.compare import elements, frontier
from bitforbit.diagnosis.compare.difference import Difference
from bitforbit.diagnosis.trace import environment, zoom
from bitforbit.diagnosis.trace.store import Stream, Trace

_ABSENT = (
    "op and line: not looked at, because {run} cannot be started again here ({reason});"
    " where both can, bitforbit compare does it"
)


class CannotRerunError(Exception):
    """Raised when a traced run cannot be started again on this machine."""


class Again(NamedTuple):
    """A step seen again, and whether it had the digests that the trace holds."""

    step: frontier.Step
    repeats: bool


def zoomed(found: Difference, a: Trace, b: Trace, step: int, step_b: int) -> Difference:
    """Return the difference with op, line and elements, or with a line that says why they are not known.

    Args:
        found: as the digests show it.
        a, b: the traces.
        step, step_b: the step in each of them.
    """
    again = []
    for side, number in ((a, step), (b, step_b)):
        try:
            again.append(_again(side, found.stream, number))
        except CannotRerunError as error:
            return replace(found, more=(*found.more, _ABSENT.format(run=side.folder, reason=error)))
    unstable = [str(side.folder) for side, seen in zip((a, b), again, strict=True) if not seen.repeats]
    more = found.more
    if unstable:
        more += (
            f"{' and '.join(unstable)}, started again here, has other digests at step {step}: a race, unseeded"
            " randomness, or another host than the one of the trace. Next step: bitforbit diagnose",
        )
    op = frontier.find(again[0].step, again[1].step)
    if op is None and not unstable:
        more += ("at op level the step agrees: the difference is in the state before it or outside of the graph",)
    return replace(found, op=op, elements=found.elements or _elements(found, again) or (op and op.elements), more=more)


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


def _again(side: Trace, stream: str, step: int) -> Again:
    how = side.header.get("rerun") or {}
    command, folder = how.get("command", []), how.get("folder", "")
    if not command or not Path(command[0]).exists() or not Path(folder).is_dir():
        raise CannotRerunError("its interpreter or folder is not on this machine")
    with tempfile.TemporaryDirectory(prefix="bitforbit-zoom-") as place:
        variables = {name: value for name, value in os.environ.items() if name not in environment.variables()}
        variables |= how["variables"] | zoom.Zoom(stream, step, place).environment()
        if "--runs" in command:
            # Nothing is published, but the folder of all runs is made before the start.
            command = [*command]
            command[command.index("--runs") + 1] = place
        done = subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if not Path(place, zoom.REPORT).is_file():
            last = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
            raise CannotRerunError(f"started again, it did not reach step {step}: {last[:160]}")
        seen = frontier.read(Path(place))
        seen = seen._replace(values={name: seen.values[name] for name in seen.values.files})
    return Again(seen, _repeats(side, stream, step, seen.row))


def _repeats(side: Trace, name: str, step: int, row: dict[str, int]) -> bool:
    stream: Stream = next(item for item in side.streams if item.name == name)
    if step not in stream.kept:
        return True
    recorded = stream.digests[step - stream.kept.start]
    return all(row.get(site.name) == int(value) for site, value in zip(stream.sites, recorded, strict=True))

"""Which event of a source makes the difference: its number, its line, and a proof that no other event does."""

import re
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.attribute import search, stacks
from bitforbit.diagnosis.vary import child, sources
from bitforbit.diagnosis.vary.change import Change
from bitforbit.diagnosis.vary.subject import Outcome, Runner

# Words of the cause by what stands in the line that drew: the first that fits.
WORDS = (
    (sources.ENTROPY, r"default_rng\(\s*\)", "a NumPy generator without a seed: default_rng()"),
    (sources.ENTROPY, r"RandomState\(\s*\)", "a NumPy generator without a seed: RandomState()"),
    (sources.ENTROPY, r"SeedSequence\(\s*\)", "a NumPy seed sequence without a seed"),
    (sources.ENTROPY, r"\bRandom\(\s*\)", "a Python generator without a seed: random.Random()"),
    (sources.ENTROPY, r"\buuid", "a uuid"),
    (sources.ENTROPY, r"\bsecrets\b|token_(bytes|hex|urlsafe)|randbits|randbelow", "the secrets module"),
    (sources.ENTROPY, r"urandom|getrandom|SystemRandom", "the system's random bytes"),
    (sources.ENTROPY, r"random\.seed\(\s*\)", "a generator seeded with nothing: seed()"),
)
PYTHON, NUMPY = "Python's global generator, which was not seeded", "NumPy's global generator, which was not seeded"
UNSEEDED = {"random": PYTHON, "numpy.random": NUMPY}
RESEEDED = (
    "proven: another seed for this generator alone gives another result, and plain Python gives one at each start"
)
# Lines that are shown of one generator.
LINES = 5
CHILDREN = -1


class Cause(NamedTuple):
    """The events of one place that change the result.

    Attributes:
        events: their numbers and stacks; the same line drew them all.
        words: what they are.
        frames: the lines to look at: where they were drawn, or where an unseeded generator was used.
        outcome: the run in which only these events were changed.
        callers: the user's lines that called the first of `frames`, where they are shown; the innermost first.
    """

    events: tuple[stacks.Event, ...]
    words: str
    frames: tuple[stacks.Frame, ...]
    outcome: Outcome
    callers: tuple[stacks.Frame, ...] = ()


class Finding(NamedTuple):
    """All events of one source that change the result.

    Attributes:
        causes: as found, the last event first.
        events: how many there were.
        proven: changing all others together changed nothing.
        note: why events could not be told apart, else empty.
        text: a sentence that stands in place of the counts.
    """

    causes: list[Cause]
    events: int
    proven: bool
    note: str = ""
    text: str = ""


def find(runner: Runner, control: Outcome, base: Change, source: sources.Source, stream: int) -> Finding:
    """Search the events of `source`, all of which changed together are known to change the result."""
    log = runner.work / f"log-{source.name}"
    logged = runner.run(f"{source.name}: log of its events", base | Change({child.LOG: str(log)}))
    found = [event for event in stacks.read(log) if event.source == source.name]
    if logged.key != control.key:
        return Finding([], len(found), False, "its events do not come in the same order twice")
    places, likely = _by_place(found)
    seen: dict[tuple[int, ...], Outcome] = {}

    def differs(groups) -> bool:
        numbers = tuple(event.number for group in groups for event in group)
        if numbers not in seen:
            change = base | Change(_variables(source, numbers, stream))
            seen[numbers] = runner.run(f"{source.name}: {_name(numbers)}", change)
        return seen[numbers].key != control.key

    causes = []
    for group in search.guilty(places, differs, split=len(places) - likely, known=True):
        differs([group])
        words, frames = _explain(runner, base, source, group[0])
        causes.append(Cause(group, words, frames, seen[tuple(event.number for event in group)]))
    return Finding(causes, len(found), bool(found))


def _by_place(found: list[stacks.Event]) -> tuple[list[tuple[stacks.Event, ...]], int]:
    """Group events that one line asked for; those that the user's code asked for come last. Also how many these are."""
    places: dict[tuple, list[stacks.Event]] = {}
    for event in found:
        likely = event.suspicious or event.number == CHILDREN
        places.setdefault((likely, event.line if likely else event.stack), []).append(event)
    ordered = sorted(places.items(), key=lambda item: item[0][0])
    return [tuple(group) for _, group in ordered], sum(likely for likely, _ in places)


def _variables(source: sources.Source, numbers: tuple[int, ...], stream: int) -> dict[str, str]:
    own = [number for number in numbers if number != CHILDREN]
    return source.varied(own, stream, children=CHILDREN in numbers)


def _name(numbers: tuple[int, ...]) -> str:
    if numbers == (CHILDREN,):
        return "child processes' events changed"
    listed = sources.ranges([number for number in numbers if number != CHILDREN])
    return f"event{'s' if len(numbers) > 1 else ''} {listed} changed"


def _explain(runner, base: Change, source: sources.Source, event: stacks.Event):
    if event.number == CHILDREN:
        return "a child process", ()
    if source is sources.ENTROPY and (library := _global_generator(event)):
        frames = _first_uses(runner, base, library)
        return UNSEEDED[library], frames or ((event.line,) if event.line else ())
    frame = event.line
    for of, pattern, words in WORDS:
        if frame and of is source and re.search(pattern, frame.text):
            return words, (frame,)
    return source.words, (frame,) if frame else ()


def _global_generator(event: stacks.Event) -> str:
    """Which library seeded its global generator by this draw as it was imported, else an empty text."""
    if not event.by_import:
        return ""
    outside = [frame for frame in event.stack if Path(frame.file).name not in ("random.py", "secrets.py")]
    inner = event.stack[: len(event.stack) - len(outside)] if outside else event.stack
    if any(frame.function == "<module>" and frame.file.endswith("/random.py") for frame in inner):
        return "random"
    package = next((frame for frame in outside if not frame.is_import), None)
    return "numpy.random" if package and "/numpy/random/" in package.file else ""


def of_generator(runner: Runner, change: Change, library: str, outcome: Outcome) -> Finding:
    """The lines that draw from a global generator which only `run` has seeded; `change` gives it another seed."""
    if library not in UNSEEDED:
        return Finding([], 0, True, text=RESEEDED)
    uses = _uses(runner, change, library, runner.work / f"reseeded-{library}")
    uses = [event for event in uses if any(frame.is_users for frame in event.stack)] or uses
    lines = tuple(dict.fromkeys(event.line for event in uses))
    more = f", first in {LINES} of {len(lines)} lines" if len(lines) > LINES else ""
    causes = [Cause(tuple(uses), f"{UNSEEDED[library]}{more}", lines[:LINES], outcome)] if lines else []
    return Finding(causes, len(uses), True, text=RESEEDED)


def _first_uses(runner: Runner, base: Change, library: str) -> tuple[stacks.Frame, ...]:
    uses = _uses(runner, base, library, runner.work / f"uses-{library}")
    return tuple(dict.fromkeys(event.line for event in uses))


def _uses(runner: Runner, change: Change, library: str, log: Path) -> list[stacks.Event]:
    """What used a global generator before it was seeded, as one more run shows."""
    if not log.exists():
        runner.run(f"uses of {library} before a seed", change | Change({child.FIRST_USE: str(log)}))
    return [event for event in stacks.read(log) if event.source.startswith(f"{library}.") and event.line]

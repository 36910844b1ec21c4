"""Which line of the user's takes a set's order, or a `hash()`, into the result; proven by bringing the order back."""

from typing import NamedTuple

from bitforbit.diagnosis.attribute import search
from bitforbit.diagnosis.attribute.events import Cause, Finding
from bitforbit.diagnosis.attribute.stacks import Event, Frame
from bitforbit.diagnosis.order import install, rewrite
from bitforbit.diagnosis.vary.change import Change
from bitforbit.diagnosis.vary.subject import Outcome, Runner

SOURCE = "orders"
# Lines of the user's that are shown around the guilty one.
CALLERS = 3
WORDS = {
    rewrite.ITERATED: "the order of a set",
    rewrite.ARGUMENT: "the order of a set",
    rewrite.POPPED: "set.pop(), which takes an element in the order of the set",
    rewrite.HASHED: "hash()",
}
WATCHED = "its line is not told: to watch sets and hash() changes the run"
ELSEWHERE = (
    "its line is not told: with each set that your own lines iterate, and each hash() in them, as in the control, the"
    " result still differs"
)
PARTLY = "not all of it: with these as in the control the result still differs, by what your own lines do not show"


class _Moved(NamedTuple):
    """A site that has another order under the other hash seed: its text, and the stack of its first time."""

    site: str
    stack: tuple[Frame, ...]


def find(runner: Runner, control: Outcome, base: Change, varied: Outcome, change: Change) -> Finding:
    """Search the lines whose order makes `varied`, a run under `base | change` with another hash seed, differ.

    One run under `base` writes down the order of each set that the user's code iterates or hands on, and the values of
    `hash()`. One under the other hash seed brings all of them back and tells which were moved by that. Of these, those
    are found by halving that make a difference when they are let go again; one site needs no further run.
    """
    log = runner.work / f"{SOURCE}.log"
    written = runner.run("hash seed: orders of sets written down", base | Change(install.request(log)))
    if written.key != control.key:
        return Finding([], 0, False, text=WATCHED)
    count = 0

    def brought_back(label: str, sites: list[str] | None) -> Outcome:
        nonlocal count
        own, count = runner.work / f"{SOURCE}-{count}.log", count + 1
        return runner.run(f"hash seed: {label}", base | change | Change(install.request(own, log, sites)))

    whole = brought_back("all orders of the control", None)
    lines = [line for line in install.read(runner.work / f"{SOURCE}-0.log") if "moved" in line]
    moved = [_Moved(line["moved"], tuple(Frame(*frame) for frame in line["stack"])) for line in lines]
    if not moved or whole.failure or whole.key == varied.key:
        return Finding([], len(moved), False, text=ELSEWHERE)

    def differs(free) -> bool:
        kept = [item.site for item in moved if item not in free]
        return brought_back(f"{len(kept)} of {len(moved)} orders of the control", kept).key != whole.key

    guilty = search.guilty(moved, differs, known=True)[::-1]
    only = [item.site for item in guilty]
    proven = len(guilty) == len(moved) or brought_back("only the orders that decide", only).key == whole.key
    causes = _by_line(guilty, varied)
    others = len({_line(item) for item in moved}) - len(causes)
    proven = proven and whole.key == control.key
    return Finding(causes, len(moved), proven, text=_proof(len(causes), others) if proven else PARTLY)


def _line(item: _Moved) -> tuple[str, int]:
    return item.stack[0].file, item.stack[0].line


def _by_line(guilty: list[_Moved], varied: Outcome) -> list[Cause]:
    places: dict[tuple[str, int], list[_Moved]] = {}
    for item in guilty:
        places.setdefault(_line(item), []).append(item)
    causes = []
    for number, items in enumerate(places.values()):
        words = dict.fromkeys(WORDS[item.site.partition(":")[0]] for item in items)
        events = tuple(Event(SOURCE, number, item.stack) for item in items)
        first, *outer = items[0].stack
        callers = tuple(frame for frame in outer if frame.is_users)
        causes.append(Cause(events, " and ".join(words), (first,), varied, callers[:CALLERS]))
    return causes


def _proof(lines: int, others: int) -> str:
    here = "at this line" if lines == 1 else f"at these {lines} lines"
    harmless = "1 other line with another order changes" if others == 1 else f"{others} lines with others change"
    rest = f"; {harmless} nothing" if others else ""
    return f"proven: with the order of the control {here}, runs with either hash seed agree{rest}"

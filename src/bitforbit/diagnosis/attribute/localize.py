"""Where two runs part, step by step: both are repeated with digests and compared as `bitforbit compare` does."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from bitforbit.diagnosis.vary.change import Change
from bitforbit.diagnosis.vary.subject import Job, Outcome, Runner
from bitforbit.errors import BitforbitError

EFFECT = (
    "observer effect: the digests change the run: with them it gives another result, the same one twice;"
    " something in it depends on being watched, or an op that was fused no longer is"
)


class Place(NamedTuple):
    """The first difference of two runs with digests.

    Attributes:
        difference: `bitforbit.diagnosis.compare.Difference`, or `None`.
        note: why there is none, or what is special about it; else empty.
    """

    difference: object
    note: str = ""


def places(runner: Runner, control: Outcome, changes: list[Change]) -> list[Place]:
    """Repeat the runs of `changes` with digests, and hold each against `control`, a run with digests.

    Args:
        runner: runs the subject.
        control: its trace; where that failed, no place can be told.
        changes: one for each place; source by source all events changed, since digests may shift their numbers.
    """
    if control.failure:
        return [Place(None) for _ in changes]
    traced = runner.run_all([Job(f"with digests, {number + 1}", change, traced=True)
                             for number, change in enumerate(changes)])  # fmt: skip
    with ThreadPoolExecutor(runner.jobs) as pool:
        return list(pool.map(lambda other: between(control, other), traced))


def between(a: Outcome, b: Outcome) -> Place:
    """Compare two traces; starts both runs again, up to the step, for op and line."""
    from bitforbit.diagnosis import compare

    if a.failure or b.failure:
        return Place(None, f"with digests the subject does not run: {a.failure or b.failure}")
    for outcome in (a, b):
        if missing := _untraced(outcome):
            return Place(None, missing)
    try:
        found = compare.compare(a.trace, b.trace, anyway=True)
    except BitforbitError as error:
        return Place(None, str(error).partition("\n")[0])
    if found is None and a.key != b.key:
        return Place(None, "every training step agrees: the difference is made after or outside of them")
    if found is None:
        return Place(None, "with digests the two runs agree")
    return Place(found)


def _untraced(outcome: Outcome) -> str:
    """Why a trace has no step, or an empty text."""
    from bitforbit.diagnosis.trace import stored

    if outcome.trace is None:
        return "the run with digests left none"
    trace = stored.read(outcome.trace)
    if any(stream.steps for stream in trace.streams):
        return ""
    return f"no step could be digested: {'; '.join(trace.header['notes']) or 'no optimizer was applied'}"


def observer(runner: Runner, base: Change, control: Outcome, traced: Outcome) -> "Observed":
    """Hold a run with digests, like the control in all else, against the control; repeat both where they differ."""
    if traced.failure:
        return Observed("failed", f"not localized: with digests the subject does not run: {traced.failure}")
    if traced.key == control.key:
        return Observed("same")
    plain, again = runner.run_all([Job("control, once more", base), Job("with digests, again", base, traced=True)])
    if plain.key != control.key:
        return Observed("unstable", "the control gave another result when it was repeated", plain)
    if again.key != traced.key:
        return Observed("race", "a race: the runs are the same without digests, and no two of them with digests")
    return Observed("changed", EFFECT)


class Observed(NamedTuple):
    """What a run with digests says.

    Attributes:
        verdict: `same`; `changed`: with digests the result is another one, again and again; `race`: it is another one
            each time; `unstable`: the control does not repeat itself; `failed`; `moved`: the program takes events of a
            source into its result, which digests move, so that nothing can be said.
        words: for people; empty where there is nothing to say.
        again: the control's repetition that differs.
    """

    verdict: str
    words: str = ""
    again: Outcome | None = None

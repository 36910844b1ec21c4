"""Where two runs part, step by step: both are repeated with digests and compared as `bitforbit compare` does."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.vary.change import Change, environment
from bitforbit.diagnosis.vary.subject import Job, Outcome, Runner
from bitforbit.errors import BitforbitError


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
        return [Place(None, f"with digests the subject does not run: {control.failure}") for _ in changes]
    traced = runner.run_all([Job(f"with digests, {number + 1}", change, traced=True)
                             for number, change in enumerate(changes)])  # fmt: skip
    with ThreadPoolExecutor(runner.jobs) as pool:
        return list(pool.map(lambda other: between(runner, control, other), traced))


def between(runner: Runner, a: Outcome, b: Outcome) -> Place:
    """Compare two traces; starts both runs again, up to the step, for op and line."""
    from bitforbit.diagnosis import compare

    if a.failure or b.failure:
        return Place(None, f"with digests the subject does not run: {a.failure or b.failure}")
    for outcome in (a, b):
        _startable(runner, outcome)
    try:
        found = compare.compare(a.trace, b.trace, anyway=True)
    except BitforbitError as error:
        return Place(None, str(error).partition("\n")[0])
    if found is None and a.key != b.key:
        return Place(None, "every training step agrees: the difference is made after or outside of them")
    if found is None:
        return Place(None, "with digests the two runs agree")
    return Place(found)


def _startable(runner: Runner, outcome: Outcome) -> None:
    """Write into a trace how this very run is started again: under its seal and its change."""
    from bitforbit.diagnosis.trace import store

    command = [shutil.which(outcome.words[0]) or outcome.words[0], *outcome.words[1:]]
    variables = environment(outcome.change, runner.policy) | outcome.variables
    store.amend(outcome.trace, rerun={"command": command, "folder": str(Path.cwd()), "variables": variables})


def observer(runner: Runner, base: Change, control: Outcome, traced: Outcome) -> tuple[str, str]:
    """Return what a run with digests, like the control in all else, says: a verdict and its words.

    `same`, `changed`: with digests the result is another one, again and again; `race`: it is another one each time.
    """
    if traced.failure:
        return "failed", f"not localized: with digests the subject does not run: {traced.failure}"
    if traced.key == control.key:
        return "same", ""
    plain, again = runner.run_all([Job("control, once more", base), Job("with digests, again", base, traced=True)])
    if plain.key != control.key:
        return "unstable", "the control gave another result when it was repeated"
    if again.key != traced.key:
        return "race", "with digests no two runs agree"
    return (
        "changed",
        "observer effect: the digests change the run: with them it gives another result, and again the same one",
    )

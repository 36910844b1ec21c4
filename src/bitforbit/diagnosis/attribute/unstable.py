"""Two runs alike differ: hold more still, one thing after the other, and say what it was."""

from bitforbit.diagnosis.attribute import events, first, localize, stacks
from bitforbit.diagnosis.attribute.found import Diagnosis, Guilty
from bitforbit.diagnosis.vary import child, sources
from bitforbit.diagnosis.vary.change import Change
from bitforbit.diagnosis.vary.conditions import Condition
from bitforbit.diagnosis.vary.subject import Job, Outcome, Runner

STILL = Change(prefix=("setarch", "-R"))
ADDRESSES = Condition(
    "addresses",
    "addresses of objects reach the result: id(), or the order of a set of objects",
    "order by a name or an index, never by id() or by a set of objects",
    Change(),
)
PROCESS = Condition("process id", sources.PROCESS.words, sources.PROCESS.fix, Change(sources.PROCESS.sealed(2)),
                    source=sources.PROCESS)  # fmt: skip
RACE = "a race: two runs alike differ with entropy, clock, directory order, process id and addresses held still"
# Runs with digests that must agree before the digests are said to hide a race.
TRACED = 4
HIDDEN = (
    f"the runs differ without digests and are the same with them ({TRACED} of {TRACED}): a race that the digests hide,"
    " since they make ops wait for each other"
)
RACE_OF_CORES = f"{RACE}, and agree on one core"


def explain(runner: Runner, base: Change, found: Diagnosis, again: Outcome) -> None:
    """Fill `found` with why `again`, run like the control, differs from it."""
    found.other, found.where = again, first.between(found.control, again)
    pid = Change(sources.PROCESS.sealed())
    for name, held, suspects in (
        ("process id held", pid, [PROCESS]),
        ("addresses held", STILL, [ADDRESSES]),
        ("process id and addresses held", pid | STILL, [PROCESS, ADDRESSES]),
    ):
        # Three, because a race agrees by chance twice rather often.
        outcomes = runner.run_all([Job(f"{name}, {number} of 3", base | held) for number in (1, 2, 3)])
        failure = next((outcome.failure for outcome in outcomes if outcome.failure), "")
        if failure:
            found.not_varied.append((name, f"the run fails: {failure}"))
        elif len({outcome.key for outcome in outcomes}) == 1:
            guilty = [_confirm(runner, base | held, found, outcomes[0], condition) for condition in suspects]
            if all(guilty):
                found.unstable = " and ".join(condition.words for condition in suspects)
                found.guilty, found.control = guilty, outcomes[0]
                _localize(runner, base | held, found)
                return
    _race(runner, base, found)


def _localize(runner: Runner, held: Change, found: Diagnosis) -> None:
    """Name step and tensor of each condition that was told from a race."""
    if not runner.subject.can_trace:
        return
    traced = runner.run("with digests", held, traced=True)
    seen = localize.places(runner, traced, [_varied(held, item) for item in found.guilty])
    found.guilty = [item._replace(place=place) for item, place in zip(found.guilty, seen, strict=True)]


def _varied(held: Change, item: Guilty) -> Change:
    """Return the held change with one thing let go again, or moved."""
    if item.condition.source:
        return held | item.condition.change
    return Change(held.variables, (), held.options, held.unpinned)


def _confirm(runner: Runner, base: Change, found: Diagnosis, control: Outcome, condition: Condition) -> Guilty | None:
    """Change what was held: a source must show the event that does it."""
    if not condition.source:
        varied = found.other if found.other.key != control.key else found.control
        return Guilty(condition, condition.words, varied, first.between(control, varied))
    changed = runner.run(f"{condition.name} changed", base | condition.change)
    if changed.key == control.key:
        return None
    finding = events.find(runner, control, base, condition.source, 2)
    return (
        Guilty(condition, condition.words, changed, first.between(control, changed), finding)
        if finding.causes
        else None
    )


def _race(runner: Runner, base: Change, found: Diagnosis) -> None:
    core = Change(prefix=("taskset", "-c", "0"))
    log = runner.work / "log-threads"
    one, two, _ = runner.run_all(
        [
            Job("one core", base | core),
            Job("one core, again", base | core),
            Job("threads: log of their starts", base | Change({child.LOG: str(log)})),
        ]
    )
    found.unstable = RACE_OF_CORES if one.key == two.key and not one.failure else RACE
    started = [event.line for event in stacks.read(log) if event.source == sources.THREADS.name and event.line]
    users = [frame for frame in started if frame.is_users]
    found.threads = list(dict.fromkeys(users or started))
    if runner.subject.can_trace:
        _watched(runner, base, found)


def _watched(runner: Runner, base: Change, found: Diagnosis) -> None:
    """Repeat the race with digests: where these runs agree, the digests hide it; else they show where it is."""
    traced = runner.run_all([Job(f"with digests, {number} of {TRACED}", base, traced=True)
                             for number in range(1, TRACED + 1)])  # fmt: skip
    if failure := next((outcome.failure for outcome in traced if outcome.failure), ""):
        found.place = localize.Place(None, f"with digests the subject does not run: {failure}")
        return
    others = [outcome for outcome in traced if outcome.key != traced[0].key]
    if others:
        found.observed = "race"
        found.place = localize.between(traced[0], others[0])
    else:
        found.observed = "same"
        found.observer = HIDDEN

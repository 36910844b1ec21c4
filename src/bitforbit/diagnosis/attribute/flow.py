"""The flow of a diagnosis: twice alike, all conditions at once, then the guilty ones alone, each down to its line."""

from bitforbit.diagnosis.attribute import events, first, localize, orders, search, unstable
from bitforbit.diagnosis.attribute.found import Diagnosis, Guilty, Refused
from bitforbit.diagnosis.vary import conditions, sources
from bitforbit.diagnosis.vary.change import Change
from bitforbit.diagnosis.vary.conditions import HASH_SEED, HOST, PROGRAM, Condition
from bitforbit.diagnosis.vary.subject import Job, Outcome, Runner

# Each is expected to change bits where it is not pinned, so that together they would tell nothing.
EXPECTED = ("thread pools", "instruction set")
RACE = "a race: the same condition gave another result when it was repeated"


def diagnose(runner: Runner, table: list[Condition]) -> Diagnosis:
    """Run the whole flow.

    Args:
        runner: runs the subject.
        table: the conditions to vary.

    Raises:
        Refused: the control does not run; the message is the subject's own.
    """
    base = conditions.control()
    control, again = runner.run_all([Job("control", base), Job("control, again", base)])
    for outcome in (control, again):
        if outcome.failure:
            raise Refused(f"{runner.subject.name} does not run: {outcome.failure}")
    found = Diagnosis(control)
    found.not_varied = [(item.name, item.missing) for item in table if item.missing]
    usable = [item for item in table if not item.missing]
    if again.key != control.key:
        unstable.explain(runner, base, found, again)
        return found
    program = [item for item in usable if item.kind == PROGRAM]
    host = [item for item in usable if item.kind == HOST]
    first_jobs = [Job("plain, without the seal", Change(), False)]
    first_jobs += [Job("all conditions at once", _together(base, program))] if program else []
    first_jobs += [Job("with digests", base, traced=True)] if runner.subject.can_trace else []
    outcomes = runner.run_all([*first_jobs, *_host_jobs(base, host)])
    begun = dict(zip([job.label for job in first_jobs], outcomes, strict=False))
    found.plain = begun["plain, without the seal"]
    _program(runner, base, found, program, begun.get("all conditions at once", control))
    if not found.unstable:
        _host(runner, base, found, host, outcomes[len(first_jobs) :])
        found.seal_changes = found.plain.key != control.key and not found.guilty
        if traced := begun.get("with digests"):
            _localize(runner, base, found, traced)
    return found


def _program(runner: Runner, base: Change, found: Diagnosis, table: list[Condition], varied: Outcome) -> None:
    """Where all at once differed: each source alone, then the rest by halving."""
    guilty: list[tuple[Condition, Outcome]] = []
    if varied.key != found.control.key:
        guilty = _alone(runner, base, found, table, varied)
        if not any(outcome.key == varied.key for _, outcome in guilty):
            harmless = [item for item in table if item.source and item not in [pair[0] for pair in guilty]]
            rest = [item for item in table if not item.source]
            guilty += _halve(runner, base, found, harmless, rest, known=not guilty)
    for item, outcome in guilty:
        if outcome.failure:
            found.not_varied.append((item.name, f"the run fails: {outcome.failure}"))
        else:
            found.guilty.append(_attribute(runner, base, found, item, outcome))
    _doubt(runner, base, found)
    names = [item.name for item, _ in guilty]
    found.under += [item.name for item in table if item.name not in names]


def _localize(runner: Runner, base: Change, found: Diagnosis, traced: Outcome) -> None:
    """Hold the run with digests against the control, then name step, tensor, op and line of each guilty condition."""
    # Digests make events of their own, so that those of a guilty source have other numbers: no effect of the observer.
    moved = any(item.finding for item in found.guilty) and traced.key != found.control.key and not traced.failure
    watched = localize.Observed("moved") if moved else localize.observer(runner, base, found.control, traced)
    found.observed, found.observer = watched.verdict, watched.words
    if watched.again:
        found.observer = ""
        unstable.explain(runner, base, found, watched.again)
        return
    every = [*found.guilty, *found.host]
    seen = localize.places(runner, traced, [base | item.condition.change for item in every])
    placed = [item._replace(place=place) for item, place in zip(every, seen, strict=True)]
    found.guilty, found.host = placed[: len(found.guilty)], placed[len(found.guilty) :]


def _alone(runner, base: Change, found: Diagnosis, table, varied: Outcome) -> list[tuple[Condition, Outcome]]:
    """Each source alone, until one gives what all conditions at once gave: then no other condition adds anything."""
    numbered, guilty = [item for item in table if item.source], []
    for start in range(0, len(numbered), runner.jobs):
        part = numbered[start : start + runner.jobs]
        outcomes = runner.run_all([Job(item.name, base | item.change) for item in part])
        guilty += [pair for pair in zip(part, outcomes, strict=True) if pair[1].key != found.control.key]
        if any(outcome.key == varied.key for outcome in outcomes):
            break
    return guilty


def _halve(runner, base: Change, found: Diagnosis, harmless, rest, known: bool) -> list[tuple[Condition, Outcome]]:
    """Search conditions without events, on top of the harmless ones, so that nothing is said to be harmless alone."""

    def differs(items) -> bool:
        label = items[0].name if len(items) == 1 else f"{len(items)} conditions at once"
        return runner.run(label, _together(base, [*harmless, *items])).key != found.control.key

    pairs = []
    for item in search.guilty(rest, differs, known=known):
        pairs.append((item, runner.run(f"{item.name} alone", base | item.change)))
    return pairs


def _attribute(runner: Runner, base: Change, found: Diagnosis, item: Condition, outcome: Outcome) -> Guilty:
    """Find the events of a guilty source, or repeat another guilty condition to tell a race."""
    control = found.control
    if item.source:
        stream = int(item.change.variables[item.source.variable])
        finding = events.find(runner, control, base, item.source, stream)
        varied = finding.causes[0].outcome if finding.causes else outcome
        return Guilty(item, item.words, varied, first.between(control, varied), finding)
    if outcome.key == control.key:
        return Guilty(item, f"{item.words} (only together with other conditions)", outcome, None)
    steady = runner.run(f"{item.name} alone, again", base | item.change).key == outcome.key
    return Guilty(item, item.words if steady else RACE, outcome, first.between(control, outcome), steady=steady)


def _doubt(runner: Runner, base: Change, found: Diagnosis) -> None:
    """Where something differed that could not be shown again, a race may have made it differ: look once more."""
    clear = [item for item in found.guilty if _is_clear(item)]
    if len(clear) == len(found.guilty):
        return
    again = runner.run("control, once more", base)
    racing = any(item.condition.source is sources.THREADS for item in clear)
    if again.key != found.control.key or racing:
        found.guilty = clear
    if again.key != found.control.key and not racing:
        unstable.explain(runner, base, found, again)


def _is_clear(item: Guilty) -> bool:
    return bool(item.finding.proven and item.finding.causes) if item.finding else item.where is not None


def _host_jobs(base: Change, table: list[Condition]) -> list[Job]:
    """Return runs with pins taken off: each expected one alone, the others together."""
    expected, others = _by_expectation(table)
    jobs = [Job(f"{item.name}, unpinned", base | item.change) for item in expected]
    if others:
        jobs.append(Job(f"{', '.join(item.name for item in others)}, unpinned", _together(base, others)))
    return jobs


def _host(runner: Runner, base: Change, found: Diagnosis, table: list[Condition], outcomes: list[Outcome]) -> None:
    """Read the runs of `_host_jobs`; where the others together differ, run each of them alone."""
    expected, others = _by_expectation(table)
    pairs = list(zip(expected, outcomes, strict=False))
    if others and outcomes[-1].key != found.control.key:
        alone = runner.run_all([Job(f"{item.name}, unpinned", base | item.change) for item in others])
        pairs += zip(others, alone, strict=True)
    for item, outcome in pairs:
        if outcome.failure:
            found.not_varied.append((f"{item.name}, unpinned", f"the run fails: {outcome.failure}"))
        elif outcome.key != found.control.key:
            lines = _lines(runner, base, found, item, outcome)
            found.host.append(Guilty(item, item.words, outcome, first.between(found.control, outcome), lines))
    sensitive = [guilty.condition.name for guilty in found.host]
    failed = [name for name, _ in found.not_varied]
    found.host_free = [
        item.name for item in table if item.name not in sensitive and f"{item.name}, unpinned" not in failed
    ]


def _lines(runner: Runner, base: Change, found: Diagnosis, item: Condition, outcome: Outcome) -> events.Finding | None:
    if item.name == HASH_SEED:
        return orders.find(runner, found.control, base, outcome, item.change)
    if item.generator:
        return events.of_generator(runner, base | item.change, item.generator, outcome)
    return None


def _by_expectation(table: list[Condition]) -> tuple[list[Condition], list[Condition]]:
    """Return the conditions that are expected to differ, and the others."""
    return [item for item in table if item.name in EXPECTED], [item for item in table if item.name not in EXPECTED]


def _together(base: Change, table: list[Condition]) -> Change:
    for item in table:
        base = base | item.change
    return base


__all__ = ["Diagnosis", "Guilty", "Refused", "diagnose"]

"""Present a diagnosis: a tree for people, a record for machines."""

import os

from bitforbit.diagnosis.attribute.found import DIFFERS, Diagnosis, Guilty
from bitforbit.diagnosis.compare import text as comparison
from bitforbit.diagnosis.script import overrides
from bitforbit.report.tree import Node

AGAIN = "started again, that step has other digests once more: op and line, where they are told, are of that repetition"
SCHEMA = "bitforbit diagnosis 1"


def tree(found: Diagnosis, suspects, title: str, seconds: float, runs: int, seed: int) -> Node:
    """Return the tree of lines that text and HTML show."""
    bad = found.verdict == DIFFERS
    root = Node(f"{title}: {'DIFFERS' if bad else 'reproducible'}", mark="bad" if bad else "good")
    if found.unstable:
        _unstable(root, found, suspects)
    else:
        same = "the same" if found.plain.key == found.control.key else "another one"
        watched = "; so does the run with digests" if found.observed == "same" and same == "the same" else ""
        root.add(f"control: {found.control.digest[:16]}, twice; the plain run leaves {same}{watched}")
    for guilty in found.guilty:
        _guilty(root, found, guilty, suspects)
    if found.observer and not found.unstable:
        root.add(found.observer, "bad" if bad else "")
    if found.seal_changes:
        node = root.add("the plain run differs although no condition does", "bad")
        node.add("something that the control holds still, and that no variation moved, reaches the result")
        _commands(node, found.control.command, found.plain.command)
    if found.under:
        root.add(f"reproducible under: {', '.join(found.under)}", "" if bad else "good")
    for guilty in found.host:
        node = root.add(f"{guilty.condition.pinned}: {guilty.condition.name}: {guilty.words}")
        _causes(node, guilty.finding)
        _where(node, guilty.place, guilty.where)
        _suspects(node, suspects.of(guilty))
        node.add(f"next step: {guilty.condition.fix}")
        _commands(node, found.control.command, guilty.varied.command)
    if found.host_free:
        root.add(f"the same even without its pin: {', '.join(found.host_free)}")
    if others := suspects.others(found):
        node = root.add("lint: nothing that these runs showed to matter")
        _suspects(node, others)
    for name, reason in found.not_varied:
        root.add(f"not varied: {name}: {reason}")
    root.add(f"{runs} runs in {seconds:.0f} s, variation seed {seed}")
    return root


def _unstable(root: Node, found: Diagnosis, suspects) -> None:
    node = root.add(f"two runs alike differ: {found.unstable}", "bad")
    if found.observer:
        node.add(found.observer)
    _where(node, found.place, found.where)
    for frame in found.threads:
        _line(node, "started here: ", frame)
    _suspects(node, suspects.of_race())
    _commands(node, found.control.command, found.other.command)


def _guilty(root: Node, found: Diagnosis, guilty: Guilty, suspects) -> None:
    node = root.add(f"{guilty.condition.name}: {guilty.words}", "bad")
    _causes(node, guilty.finding)
    _where(node, guilty.place, guilty.where)
    _suspects(node, suspects.of(guilty))
    node.add(f"next step: {guilty.condition.fix}")
    _commands(node, found.control.command, guilty.varied.command)


def _causes(node: Node, finding) -> None:
    for cause in finding.causes if finding else []:
        part = node.add(cause.words)
        for frame in cause.frames:
            _line(part, "", frame)
        for frame in cause.callers:
            _line(part, "called from: ", frame)
        if not cause.frames:
            part.add("no Python code was running")
    if finding and finding.text:
        node.add(finding.text)
    elif finding and finding.proven:
        count = sum(len(cause.events) for cause in finding.causes)
        others = finding.events - count
        rest = f"changing the other {others} of {finding.events} changes nothing" if others else "there is no other"
        node.add(f"proven: {count} event{'s' if count > 1 else ''} decide{'' if count > 1 else 's'}; {rest}")
    elif finding:
        node.add(f"{finding.events} events, not told apart: {finding.note}")


def _where(node: Node, place, where) -> None:
    """As `compare` says it; without digests of steps, what the published evidence shows."""
    if place and place.difference:
        for title, text in comparison.branches(place.difference):
            node.add(f"{title}: {text}")
        for line in place.difference.more:
            node.add(AGAIN if "bitforbit diagnose" in line else line)
    elif where:
        node.add(f"first difference: {where}")
    if place and place.note:
        node.add(place.note)


def _suspects(node: Node, findings) -> None:
    for finding in findings:
        node.add(f"lint: {_shown(finding.path)}:{finding.line}: {finding.code} {finding.message}", code=True)


def _line(node: Node, before: str, frame) -> None:
    node.add(f"{before}{_shown(frame.file)}:{frame.line} in {frame.function}: {frame.text}", code=True)


def _shown(path: str) -> str:
    """A path below the working directory without it."""
    return overrides.shown(path, os.getcwd())


def _commands(node: Node, a: str, b: str) -> None:
    both = node.add("these two differ")
    both.add(a, code=True)
    both.add(b, code=True)


def record(found: Diagnosis, suspects, subject: str, seconds: float, outcomes: list, seed: int) -> dict:
    """Return the machine form."""
    return {
        "schema": SCHEMA,
        "subject": subject,
        "verdict": found.verdict,
        "variation_seed": seed,
        "control": {"digest": found.control.digest, "command": found.control.command},
        "plain_agrees": found.plain.key == found.control.key if found.plain else None,
        "reproducible_under": found.under,
        "causes": [_record(found, guilty, suspects) for guilty in found.guilty],
        "unstable": {
            "words": found.unstable,
            "first_difference": found.where._asdict() if found.where else None,
            "localized": _place(found.place),
            "threads": [frame.record() for frame in found.threads],
            "lint": [finding._asdict() for finding in suspects.of_race()],
            "commands": [found.control.command, found.other.command],
        }
        if found.unstable
        else None,
        "observer": {"verdict": found.observed, "words": found.observer},
        "host_sensitive": [_record(found, guilty, suspects) | {"pinned": True} for guilty in found.host],
        "same_without_pin": found.host_free,
        "lint": {"files": suspects.files, "findings": [finding._asdict() for finding in suspects.findings]},
        "not_varied": [{"condition": name, "reason": reason} for name, reason in found.not_varied],
        "runs": [
            {"label": outcome.label, "digest": outcome.digest, "failure": outcome.failure,
             "seconds": round(outcome.seconds, 3), "command": outcome.command}
            for outcome in outcomes
        ],
        "seconds": round(seconds, 3),
    }  # fmt: skip


def _place(place) -> dict | None:
    if place is None:
        return None
    return {"difference": place.difference.record() if place.difference else None, "note": place.note}


def _record(found: Diagnosis, guilty: Guilty, suspects) -> dict:
    finding = guilty.finding
    return {
        "condition": guilty.condition.name,
        "words": guilty.words,
        "next_step": guilty.condition.fix,
        "first_difference": guilty.where._asdict() if guilty.where else None,
        "localized": _place(guilty.place),
        "lint": [finding._asdict() for finding in suspects.of(guilty)],
        "steady": guilty.steady,
        "events": finding.events if finding else None,
        "proven": finding.proven if finding else None,
        "note": finding.text or finding.note if finding else "",
        "lines": [
            {"events": [event.number for event in cause.events], "words": cause.words,
             "frames": [frame.record() for frame in cause.frames],
             "callers": [frame.record() for frame in cause.callers],
             "stack": [frame.record() for frame in cause.events[0].stack]}
            for cause in (finding.causes if finding else [])
        ],
        "commands": [found.control.command, guilty.varied.command],
    }  # fmt: skip

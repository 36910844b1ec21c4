"""What a diagnosis found, as values that presenters read."""

from dataclasses import dataclass, field
from typing import NamedTuple

from bitforbit.diagnosis.attribute import events, first, localize, stacks
from bitforbit.diagnosis.vary.conditions import Condition
from bitforbit.diagnosis.vary.subject import Outcome
from bitforbit.errors import BitforbitError

REPRODUCIBLE, DIFFERS = "reproducible", "differs"


class Refused(BitforbitError):
    """Raised when the subject does not even run once."""


class Guilty(NamedTuple):
    """One condition under which the result differs.

    Attributes:
        condition: which.
        words: the cause.
        varied: a run that differs from the control.
        where: the first difference, or `None` where the runs left no comparable evidence.
        finding: its events, where they could be searched.
        steady: the same condition gave the same result twice; `None` where that was not tried.
        place: the first step, tensor, op and line, as runs with digests show them; `None` where none were made.
    """

    condition: Condition
    words: str
    varied: Outcome
    where: first.First | None
    finding: events.Finding | None = None
    steady: bool | None = None
    place: localize.Place | None = None


@dataclass
class Diagnosis:
    """What was found.

    Attributes:
        control: the run that all others are held against.
        plain: the run without the seal.
        under: names of the conditions that change nothing.
        guilty: those that change the result.
        host: those that change it only where the policy's pins are taken off.
        host_free: names of those that change nothing even without the pins.
        not_varied: name and reason.
        unstable: why two runs alike differ, else empty.
        other: the second run alike, where it differs.
        where: its first difference.
        threads: lines that started threads, where two runs alike differ.
        seal_changes: the plain run differs from the control although no condition explains it.
        place: the first difference of two runs alike, where runs with digests differ too.
        observer: what the runs with digests say that differs from the control, else empty.
        observed: see `localize.Observed`; empty where no run with digests was made.
    """

    control: Outcome
    plain: Outcome | None = None
    under: list[str] = field(default_factory=list)
    guilty: list[Guilty] = field(default_factory=list)
    host: list[Guilty] = field(default_factory=list)
    host_free: list[str] = field(default_factory=list)
    not_varied: list[tuple[str, str]] = field(default_factory=list)
    unstable: str = ""
    other: Outcome | None = None
    where: first.First | None = None
    threads: list[stacks.Frame] = field(default_factory=list)
    seal_changes: bool = False
    place: localize.Place | None = None
    observer: str = ""
    observed: str = ""

    @property
    def verdict(self) -> str:
        watched = self.observed in ("changed", "race")
        return DIFFERS if self.guilty or self.unstable or self.seal_changes or watched else REPRODUCIBLE

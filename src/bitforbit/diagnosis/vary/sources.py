"""Sources of what no seed controls. Each is numbered event by event, so that one event can be changed alone."""

from dataclasses import dataclass

CONTROL, OTHER = 1, 2


@dataclass(frozen=True)
class Source:
    """One source.

    Attributes:
        name: as in the seal's log.
        variable: the environment variable that seals it.
        words: what a difference means.
        fix: the next step.
    """

    name: str
    variable: str
    words: str
    fix: str

    def sealed(self, stream: int = CONTROL) -> dict[str, str]:
        """Every event from one stream."""
        return {self.variable: str(stream)}

    def varied(self, events: list[int], stream: int = OTHER, children: bool = False) -> dict[str, str]:
        """The given events from another stream, all others from the control's."""
        where = ",".join(part for part in (ranges(events), "children" if children else "") if part)
        return {self.variable: f"{CONTROL}:{stream}@{where}" if where else str(CONTROL)}


def ranges(events: list[int]) -> str:
    """Return sorted numbers as the seal reads them: `[1, 4, 5, 6]` is `1,4-7`, the high end excluded."""
    parts: list[list[int]] = []
    for number in sorted(events):
        if parts and parts[-1][1] == number:
            parts[-1][1] += 1
        else:
            parts.append([number, number + 1])
    return ",".join(str(low) if high == low + 1 else f"{low}-{high}" for low, high in parts)


ENTROPY = Source(
    "entropy",
    "BITFORBIT_ENTROPY",
    "unseeded randomness: the system's entropy reaches the result",
    "seed this generator from the run's seed",
)
CLOCK = Source(
    "clock",
    "BITFORBIT_CLOCK",
    "the wall clock reaches the result",
    "take the seed or the value from the config, not from the time",
)
LISTING = Source(
    "listing",
    "BITFORBIT_LISTING",
    "the order of a directory listing reaches the result",
    "sort the listing: sorted(os.listdir(folder))",
)
THREADS = Source(
    "threads",
    "BITFORBIT_THREADS",
    "a race: the result depends on which thread comes first",
    "collect results in the order of the work, not of its end: executor.map, or an index into a list made beforehand",
)
PROCESS = Source(
    "process",
    "BITFORBIT_PROCESS",
    "the process id reaches the result",
    "derive the value from the run's seed and a name, not from os.getpid()",
)
ALL = (ENTROPY, CLOCK, LISTING, THREADS, PROCESS)
"""The process id is sealed on suspicion only: programs ask the system about the id that they were told."""
ALWAYS = (ENTROPY, CLOCK, LISTING, THREADS)

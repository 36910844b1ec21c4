"""Hold every emulated host against the goldens: one process for each host, one row for each experiment."""

import importlib.util
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bitforbit.evidence import golden
from bitforbit.hosts import emulator, proof
from bitforbit.hosts.models import EmulatedHost
from bitforbit.policy import Policy

CENSUS = "census"
CENSUS_MODULE = "bitforbit.audit.census"
CENSUS_GOLDEN = "census-x86-64-v3.json"

SAME = "same"
NOT_COMPARED = ("no outcome", "not proven")


class Row(NamedTuple):
    """One experiment on one host.

    Attributes:
        host: as it is spelled on the command line.
        experiment: which one, or `census`.
        outcome: `same`, or what differs, or why there is nothing to compare.
        seconds: from the end of the row before, so that the first one of a host holds the import of TensorFlow.
        seen: what `proof.seen` found inside the process; `None` where it showed nothing.
    """

    host: str
    experiment: str
    outcome: str
    seconds: float
    seen: dict | None


def experiments() -> list[str]:
    """Return what can be held against goldens here: the reference experiments, and the op census where it is built."""
    census = importlib.util.find_spec("bitforbit.audit") and importlib.util.find_spec(CENSUS_MODULE)
    return [*golden.REFERENCE, *([CENSUS] if census and _census_golden().is_file() else [])]


def _census_golden() -> Path:
    return golden.default_path("x").with_name(CENSUS_GOLDEN)


def run(host: EmulatedHost, names: list[str], policy: Policy, shift: int = 0) -> Iterator[Row]:
    """Yield the rows of one host; each names the CPU that the process itself found.

    A row is `same` only where the process also proved to be the CPU that was asked for.
    """
    trained = [name for name in names if name != CENSUS]
    for module, part in (("bitforbit", trained), (CENSUS_MODULE, [CENSUS] if CENSUS in names else [])):
        if not part:
            continue
        arguments = ["verify", *part] if module == "bitforbit" else ["--emulated", "--check", str(_census_golden())]
        outcomes, seen, last = _child(host, [module, *arguments], part, policy, shift)
        for name in part:
            outcome, seconds = outcomes.get(name, (f"no outcome: {last}", 0.0))
            if outcome == SAME and (seen is None or seen["brand"] != host.model.brand):
                outcome = f"not proven: expected {host.model.brand!r}, CPUID says {seen and seen['brand']!r}"
            yield Row(str(host), name, outcome, seconds, seen)


def _child(host, arguments, names, policy, shift) -> tuple[dict[str, tuple[str, float]], dict | None, str]:
    """Run one emulated process; return `name -> (outcome, seconds)`, what it proved, and its last line."""
    command = emulator.python(host, "-m", "bitforbit.hosts.inside", *arguments, shift=shift)
    environment = emulator.environment(policy) | {"PYTHONUNBUFFERED": "1"}
    outcomes, seen, last, since = {}, None, "", time.monotonic()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        for line in map(str.strip, child.stdout):
            shown = proof.read(line)
            last, seen = (last, shown) if shown else (line or last, seen)
            name, colon, rest = line.partition(": ")
            if colon and name in names and name != CENSUS and name not in outcomes:
                outcomes[name] = (SAME if rest.startswith(SAME) else rest, time.monotonic() - since)
                since = time.monotonic()
    if names == [CENSUS] and child.returncode in (0, 1):
        outcomes[CENSUS] = (last if child.returncode else SAME, time.monotonic() - since)
    return outcomes, seen, last

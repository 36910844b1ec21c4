"""The table: which measure was taken away, and which comparison failed first: `python -m hosts.ablation [FOLDER]`."""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from . import measures, subjects

CONTROL = "native, all measures"


class Row(NamedTuple):
    """One measure taken away.

    Attributes:
        name: which.
        differences: host -> first difference from the first host of the measure.
        refusals: what the policy's read-back said of it, which would have stopped the training.
        note: what the reader must know.
    """

    name: str
    differences: dict
    refusals: list
    note: str


def prepare(bench: subjects.Bench) -> None:
    """Compute what is not there yet; one process for each host and changed environment, two hosts at a time."""

    def one(host: str) -> None:
        names = [m.name for m in measures.MEASURES if not m.script and m.name != measures.LAYERS and host in m.hosts]
        bench.prepare(host, names)

    with ThreadPoolExecutor(2) as pool:
        # Emulated ones take longest.
        list(pool.map(one, sorted(subjects.HOSTS, key=lambda host: subjects.HOSTS[host].cpu is None)))


def row(bench: subjects.Bench, measure: measures.Measure) -> Row:
    """Compare the hosts of one measure with the first of them."""
    if measure.script:
        return _script_row(measure)
    first, *others = measure.hosts
    expected, said = bench.result(first, measure.name)
    differences, complaints = {}, dict.fromkeys(said["deviations"])
    for host in others:
        name, where = (measures.ALL_MEASURES, first) if host == CONTROL else (measure.name, host)
        found, there = bench.result(where, name)
        complaints |= dict.fromkeys(there["deviations"]) if host != CONTROL else {}
        cpu = subjects.HOSTS[where].cpu
        assert (there["seen"]["brand"] == said["seen"]["brand"]) == (cpu is None), f"{where} ran as {there['seen']}"
        difference = subjects.first_difference(expected, found)
        if difference:
            differences[host] = difference
    return Row(measure.name, differences, [line.partition(". Next")[0] for line in complaints], measure.note)


def _script_row(measure: measures.Measure) -> Row:
    """Scripts without TensorFlow: with the variable all hosts print the same, without it some do not."""
    printed = {}
    for kept in (True, False):
        for host in measure.hosts:
            changes = {} if kept else measure.environment
            subject = subjects.HOSTS[host]
            # The host's own value stands only where the policy's is away.
            subject = subject._replace(environment={} if kept else subject.environment)
            done = subjects.start(subject, ["-c", measure.script], changes)
            assert done.returncode == 0 or not kept, done.stderr
            printed[kept, host] = (done.stdout or done.stderr).strip().splitlines()[-1]
    first, *others = measure.hosts
    for host in others:
        assert printed[True, host] == printed[True, first], f"{measure.name} in force, and yet {host} differs"
    differences = {host: _shorten(printed[False, first], printed[False, host]) for host in others}
    return Row(measure.name, {host: text for host, text in differences.items() if text}, [], measure.note)


def _shorten(a: str, b: str) -> str:
    if a == b:
        return ""
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), 0)
    begin = max(a.rfind("(", 0, start), start - 40, 0)
    return f"{a[begin : begin + 40]!r} and {b[begin : begin + 40]!r}"


def main(folder: str | None = None) -> None:
    """Print the table in Markdown; with a folder, keep there what was computed and use what is there already."""
    with tempfile.TemporaryDirectory() as own:
        bench = subjects.Bench(Path(folder or own))
        prepare(bench)
        print("| taken away | hosts | first difference | what the read-back says |\n|---|---|---|---|")
        for measure in measures.MEASURES:
            if measure.name == measures.LAYERS:
                continue
            found = row(bench, measure)
            hosts = list(found.differences.items()) or [(", ".join(measure.hosts[1:]), "none")]
            for host, text in hosts:
                print(f"| {_cell(found)} | {measure.hosts[0]} : {host} | {text} | {_complaints(found)} |", flush=True)


def _cell(row: Row) -> str:
    return f"{row.name} ({row.note})" if row.note else row.name


def _complaints(row: Row) -> str:
    return "; ".join(line.replace(": wanted", ": wants") for line in row.refusals) or ""


if __name__ == "__main__":
    main(*sys.argv[1:])

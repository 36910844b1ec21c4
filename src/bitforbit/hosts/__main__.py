"""`python -m bitforbit.hosts`: train the reference experiments on emulated CPUs and hold them against the goldens."""

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor

from bitforbit.errors import BitforbitError, UsageError
from bitforbit.hosts import emulator, matrix, models
from bitforbit.policy import Policy

SAME, DIFFERENT, CANNOT = 0, 1, 2
WIDTHS = (24, 12, 62, 8)


def main(arguments: list[str] | None = None) -> int:
    """Run every host, print one row for each experiment, and return 0 where all gave the goldens' bits."""
    parser = argparse.ArgumentParser(prog="python -m bitforbit.hosts", description=__doc__.partition(": ")[2])
    parser.add_argument("hosts", nargs="*", help=f"{models.SPELLING} (default: {' '.join(models.DEFAULT)})")
    parser.add_argument("--experiments", default="", help="names, with spaces between (default: all)")
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=1, help="runs at a time (default: 1)")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON on stdout, when all are there")
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except BitforbitError as error:
        print(f"python -m bitforbit.hosts: {error}", file=sys.stderr)
        return error.exit_code


def _run(options) -> int:
    hosts = [models.parse(text) for text in options.hosts or models.DEFAULT]
    known = matrix.experiments()
    names = options.experiments.split() or known
    for name in names:
        if name not in known:
            raise UsageError(f"unknown experiment {name!r}. Expected: {', '.join(known)}.")
    emulator.find()
    policy, rows = Policy.from_environment(), []
    if not options.json:
        _print("CPU asked for", "experiment", "CPU that the process found: CPUID, caches, cores", "seconds", "outcome")

    def one(numbered) -> None:
        index, host = numbered
        for row in matrix.run(host, names, policy, shift=index):
            rows.append(row)  # noqa: BFB505 shown as they come
            if not options.json:
                _print(row.host, row.experiment, _describe(row.seen), f"{row.seconds:.0f}", row.outcome)

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(one, enumerate(hosts)))
    if options.json:
        print(json.dumps([row._asdict() for row in rows], indent=2))
    return max((_verdict(row.outcome) for row in rows), key=(SAME, CANNOT, DIFFERENT).index)


def _verdict(outcome: str) -> int:
    if outcome == matrix.SAME:
        return SAME
    return CANNOT if outcome.startswith(matrix.NOT_COMPARED) else DIFFERENT


def _print(*cells: str) -> None:
    print("  ".join(f"{cell:{width}}" for cell, width in zip(cells, WIDTHS, strict=False)), cells[-1], flush=True)


def _describe(seen: dict | None) -> str:
    if seen is None:
        return "nothing"
    caches = "/".join(f"{size >> 10}" for size in seen["caches"])
    return f"{seen['signature']} {seen['brand']}, {caches or 'no'} KiB, {seen['cores']}"


if __name__ == "__main__":
    sys.exit(main())

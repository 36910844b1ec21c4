"""Replicates as a table: one row for each seed, none left out."""

import json
from collections import Counter

from bitforbit.evidence import runs
from bitforbit.replicates import collect

ORDER = (collect.FINISHED, collect.DIVERGED, collect.FAILED, collect.MISSING)


def lines(found: list[collect.Replicate]) -> list[str]:
    """Return the header and a row `seed status metrics… result time` for each replicate."""
    metrics = next((list(r.result["metrics"]) for r in found if r.status == collect.FINISHED), [])
    rows = [["seed", "status", *metrics, "result", "seconds"]]
    for replicate in found:
        scores = replicate.result["metrics"] if replicate.result else {}
        cells = [f"{scores[name]:.6g}" if name in scores else "-" for name in metrics]
        rows.append([str(replicate.seed), replicate.status, *cells, replicate.digest[:12] or "-", _seconds(replicate)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    aligned = ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    notes = {replicate.seed: replicate.note for replicate in found if replicate.note}
    return aligned + [f"seed {seed}: {note}" for seed, note in notes.items()]


def summary(found: list[collect.Replicate]) -> str:
    """Return the count of each outcome, as `30 replicates: 28 finished, 2 failed`."""
    counts = Counter(replicate.status for replicate in found)
    return f"{len(found)} replicates: " + ", ".join(f"{counts[status]} {status}" for status in ORDER if counts[status])


def _seconds(replicate: collect.Replicate) -> str:
    if not replicate.result:
        return "-"
    timings = json.loads((replicate.folder / runs.RUN).read_bytes()).get("timings", {})
    return f"{timings['total_seconds']:.1f}" if "total_seconds" in timings else "-"

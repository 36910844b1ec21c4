"""Print and write what the seeds of one configuration say: the end of `bitforbit replicate`."""

import json
from pathlib import Path

from bitforbit.replicates import collect
from bitforbit.replicates.statistics import goal, summary
from bitforbit.report import pictures

SHOWN = (2, 3, 5, 10, 20, 30, 50, 100)
FEW = 5


def conclude(
    replicates: list[collect.Replicate], folder: Path, declared: dict | None = None, differences: dict | None = None
) -> tuple[dict, str]:
    """Write `statistics.json` and the pictures into `folder`, print the statistics on stdout.

    Args:
        replicates: every seed that was asked for, as `collect.collect` gives them; at least one finished.
        folder: of the configuration, beside the seeds' folders.
        declared: the experiment's `EXPECTED`, or `None`.
        differences: metric to difference of means: also say how many seeds a comparison needs to see it.

    Returns:
        The document and its SHA-256.

    Raises:
        EvidenceError: no replicate has finished; nothing is written.
        UsageError: see `summary.describe`.
    """
    document = summary.describe(replicates, differences)
    digest = summary.write(folder, document)
    if document["counts"][collect.FINISHED] > 1:
        metric = declared["metric"] if declared else next(iter(document["metrics"]))
        pictures.seeds(folder, document, metric)
        pictures.standard_error(folder, document, metric)
    times = {replicate.seed: _seconds(replicate) for replicate in replicates}
    print("\n".join([*table(document, replicates, times), *tell(document, declared)]))
    print(_line("statistics", digest))
    print(_line("written", str(folder / summary.FILE)))
    return document, digest


def table(document: dict, replicates: list[collect.Replicate], times: dict[int, float | None]) -> list[str]:
    """Return one line per seed: metrics, digest, seconds and status."""
    names = list(document["metrics"])
    width = max(len("seed"), *(len(str(replicate.seed)) for replicate in replicates))
    lines = [f"  {'seed':>{width}}  " + "  ".join(f"{name:>12}" for name in names) + "  result            seconds"]
    for replicate in replicates:
        seed = f"  {replicate.seed:>{width}}  "
        if replicate.status == collect.FINISHED:
            cells = "  ".join(f"{replicate.result['metrics'][name]:{max(12, len(name))}.6g}" for name in names)
            taken = "-" if times[replicate.seed] is None else f"{times[replicate.seed]:.1f}"
            lines.append(f"{seed}{cells}  {replicate.digest[:16]}  {taken:>7}")
        else:
            lines.append(f"{seed}{replicate.status}" + (f": {replicate.note}" if replicate.note else ""))
    return lines


def tell(document: dict, declared: dict | None = None) -> list[str]:
    """Return the lines on each metric and the sentence on their scope."""
    counts = document["counts"]
    told = ", ".join(f"{number} {status}" for status, number in counts.items() if number or status == collect.FINISHED)
    lines = [f"{document['experiment']} {document['config_hash'][:12]}, seeds {document['seeds']}: {told}"]
    lost = counts[collect.DIVERGED] + counts[collect.FAILED] + counts[collect.MISSING]
    if lost:
        lines.append(f"  The statistics speak of the {counts[collect.FINISHED]} that finished; {lost} did not.")
    for name, found in document["metrics"].items():
        way = f" ({goal.choose(declared, name).direction})" if declared and declared["metric"] == name else ""
        lines += [f"{name}{way}", *_metric(found)]
    return [*lines, summary.SCOPE]


def _metric(found: dict) -> list[str]:
    n = found["n"]
    if n < 2:
        return [_line("one run", f"{found['mean']:.6g}", "one run has no spread")]
    errors = ", ".join(f"{m}: {error:.2g}" for m, error in found["standard_errors"] if m in SHOWN or m == n)
    needed = ", ".join(f"{row['difference']}: {row['independent'] or 'over 10000'}" for row in found["seeds_needed"])
    lines = [
        _line("mean ± SD", f"{found['mean']:.6g} ± {found['deviation']:.3g}", f"N = {n}"),
        _line("mean, 95 %", _range(found["mean_interval"]), "Student's t"),
        _line("next run, 95 %", _range(found["next_run_interval"]), "prediction interval"),
        _line("SD, 95 %", _range(found["deviation_interval"]), "chi-square"),
        _line("median", f"{found['median']:.6g}", _bootstrap(found["median_interval"])),
        _line("interquartile mean", f"{found['interquartile_mean']:.6g}",
              _bootstrap(found["interquartile_mean_interval"])),
        _line("range", _range([found["min"], found["max"]])),
        _line("standard error", errors, "of the first N seeds"),
    ]  # fmt: skip
    if needed:
        lines.append(_line("seeds needed", needed, "to see such a difference of two configurations, power 0.8"))
    if n < FEW:
        lines.append(f"  {n} runs are few: compare-configs asks for at least {FEW}, better 30")
    return lines


def _line(name: str, value: str, remark: str = "") -> str:
    return f"  {name:18}  {value}" + (f"   ({remark})" if remark else "")


def _range(pair: list[float]) -> str:
    return f"{pair[0]:.6g} to {pair[1]:.6g}"


def _bootstrap(pair: list[float] | None) -> str:
    return f"95 %: {_range(pair)}, BCa bootstrap" if pair else ""


def _seconds(replicate: collect.Replicate) -> float | None:
    try:
        return json.loads((replicate.folder / "run.json").read_bytes())["timings"]["total_seconds"]
    except (OSError, ValueError, KeyError, TypeError):
        return None

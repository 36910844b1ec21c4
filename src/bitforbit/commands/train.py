"""Train one experiment with one seed and publish its evidence."""

import contextlib
import json
import sys
from pathlib import Path

from bitforbit.commands import _shared


def add_arguments(parser) -> None:
    _shared.add_experiment_options(parser)
    parser.add_argument("--seed", default="1", help="0 to 2^64 - 1 (default: 1)")
    _shared.add_config_option(parser)
    _shared.add_runs_option(parser)
    parser.add_argument("--force", action="store_true", help="train even where the run is there already")
    parser.add_argument("--trace", metavar="FOLDER", help="then train again with digests of every step, into FOLDER")
    _shared.add_sentinel_option(parser)
    _shared.add_policy_options(parser)
    _shared.add_device_options(parser)


def run(options) -> int:
    pinned = _shared.start(options)
    from bitforbit.report import progress
    from bitforbit.training import loop

    if options.trace:
        from bitforbit.diagnosis.trace import store

        store.require_writable(Path(options.trace))
    request = _shared.request(options, pinned)
    chosen, resolved = request.experiment, request.config
    shown = progress.Progress(resolved.epochs, f"{chosen.name} seed {request.seed}", quiet=options.json)
    with shown as report, _sentinel(options, chosen):
        outcome = loop.train(request, report)
    if not options.json:
        default = resolved == chosen.config_type()
        _print_run(outcome, getattr(chosen.module, "EXPECTED", None) if default else None)
    traced = _trace(request, outcome, Path(options.trace), options.json) if options.trace else None
    if options.json:
        found = {"folder": str(outcome.published.folder), "digest": outcome.published.digest,
                 "trained": outcome.trained, "result": outcome.published.result}  # fmt: skip
        print(json.dumps(found | ({"trace": traced.record()} if traced else {}), indent=2))
    return traced.report(not options.json) if traced else 0


def _trace(request, outcome, folder: Path, quiet: bool):
    """Train once more, with digests: the published run is the one without, so it cannot have been changed by them."""
    from bitforbit.diagnosis.trace import experiments, second
    from bitforbit.report import progress

    def shown(words: str) -> progress.Progress:
        return progress.Progress(request.config.epochs, words, quiet=quiet)

    with second.run():
        return experiments.trace(request, folder, shown, untraced=outcome.published, known=outcome.audited)


def _sentinel(options, chosen):
    """Return what watches the experiment's code while it trains, where that was asked for."""
    if not options.sentinel:
        return contextlib.nullcontext()
    from bitforbit.diagnosis import sentinel

    folder = str(Path(chosen.module.__file__).resolve().parent)
    return sentinel.watching(lambda line: print(f"bitforbit train: sentinel: {line}", file=sys.stderr), folder)


def _print_run(outcome, expected: dict | None) -> None:
    result = outcome.published.result
    name = f"{result['experiment']} seed {result['seed']}"
    if outcome.trained:
        print(f"{name}: trained {len(result['epochs'])} epochs in {outcome.seconds:.1f} s")
    else:
        print(f"{name}: already there, digest re-verified (--force trains again)")
    for metric, value in result["metrics"].items():
        print(f"  {metric:12} {value:.6g}{_expectation(metric, value, expected)}")
    if result["policy"]["deviations"]:
        print("  host class   unpinned: these knobs did not take, so other hosts may differ")
        for line in result["policy"]["deviations"]:
            print(f"    {line}")
    else:
        print(f"  host class   {result['host_class']}")
    print(f"  weights      {result['weights']}")
    print(f"  result       {outcome.published.digest}")
    print(f"  run          {outcome.published.folder}")


def _expectation(metric: str, value: float, expected: dict | None) -> str:
    if not expected or expected["metric"] != metric:
        return ""
    if "at_least" in expected:
        bound, reached = f"at least {expected['at_least']:g}", value >= expected["at_least"]
    else:
        bound, reached = f"at most {expected['at_most']:g}", value <= expected["at_most"]
    return f"  (expected {bound}: {'reached' if reached else 'NOT reached'})"

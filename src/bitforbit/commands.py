"""What each command does: calls the package, prints for a person or a machine, returns the exit code."""

import json
import sys
from pathlib import Path

from bitforbit.policy.model import UNSET, Policy


def run(options) -> int:
    """Run the command that was parsed into `options`."""
    return {"train": train, "verify": verify, "audit": audit, "policy": policy, "data": data}[options.command](options)


def _start(options) -> Policy:
    """Return the policy, in a process that was started with its environment."""
    from bitforbit.policy import host, launcher, readback

    chosen = Policy.from_environment(options.pool_size)
    host.require_level_v3()
    launcher.ensure_environment(chosen)
    # Before any import of NumPy or of a user's module: both may read variables as they load.
    readback.refuse(readback.read_environment(chosen), strict=not options.no_strict)
    return chosen


def train(options) -> int:
    pinned = _start(options)
    from bitforbit.report import progress
    from bitforbit.training import config, experiment, loop, seeds, store

    seed = seeds.parse(options.seed)
    chosen = experiment.load(options.experiment)
    file = Path(options.config) if options.config else None
    resolved = config.resolve(chosen.config_type, file, tuple(options.set))
    root, note = store.root(options.runs)
    if note:
        print(f"bitforbit train: {note}", file=sys.stderr)
    request = loop.Request(chosen, resolved, seed, pinned, root, not options.no_strict, options.force)
    with progress.Progress(resolved.epochs, f"{chosen.name} seed {seed}", quiet=options.json) as shown:
        outcome = loop.train(request, shown)
    if options.json:
        print(json.dumps({"folder": str(outcome.published.folder), "digest": outcome.published.digest,
                          "trained": outcome.trained, "result": outcome.published.result}, indent=2))  # fmt: skip
    else:
        default = resolved == chosen.config_type()
        _print_run(outcome, getattr(chosen.module, "EXPECTED", None) if default else None)
    return 0


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


def verify(options) -> int:
    pinned = _start(options)
    from bitforbit import verify as verification

    return verification.command(options, pinned)


def audit(options) -> int:
    pinned = _start(options)
    from bitforbit.audit import show
    from bitforbit.policy import activate
    from bitforbit.training import config, experiment, loop

    chosen = experiment.load(options.experiment)
    resolved = config.resolve(chosen.config_type, None, tuple(options.set))
    activate(pinned, strict=not options.no_strict)
    request = loop.Request(chosen, resolved, 0, pinned, Path(), not options.no_strict)
    return show.show(loop.prepare(request).audit, options.json)


def policy(options) -> int:
    pinned = Policy.from_environment(options.pool_size)
    if options.env:
        print("\n".join(f"{name}={value}" for name, value in pinned.environment().items()))
        return 0
    from bitforbit.policy import apply, host, knobs, launcher, readback

    host.require_level_v3()
    launcher.ensure_environment(pinned)
    apply.set_in_process(pinned)
    readings = readback.read_all(pinned)
    if options.json:
        rows = [reading._asdict() | {"took": reading.took} for reading in readings]
        print(json.dumps({"policy": pinned.record(), "knobs": rows}, indent=2))
    else:
        print(f"policy version {knobs.VERSION}, pool size {pinned.pool_size}, digest {pinned.record()['digest']}")
        _print_knobs(readings)
    failed = [reading for reading in readings if not reading.took]
    for reading in failed:
        print(f"bitforbit policy: {reading.complaint}", file=sys.stderr)
    return 0 if not failed or options.no_strict else 2


def _print_knobs(readings) -> None:
    """Print one line for each knob; the variables that must stay unset, and are, share the last one."""
    shown = [reading for reading in readings if reading.wanted != UNSET or not reading.took]
    widths = [max(len(reading[column]) for reading in shown) for column in range(3)]
    print(
        "  " + "  ".join(f"{title:{width}}" for title, width in zip(("knob", "wanted", "found"), widths, strict=True))
    )
    for reading in shown:
        cells = "  ".join(f"{reading[column]:{widths[column]}}" for column in range(3))
        print(f"{' ' if reading.took else '!'} {cells}  {reading.when}: {reading.why} [{reading.source}]")
    print(f"  and {len(readings) - len(shown)} variables that must stay unset, and are (bitforbit policy --json)")


def data(options) -> int:
    from bitforbit import datasets

    return datasets.command(check=options.check)

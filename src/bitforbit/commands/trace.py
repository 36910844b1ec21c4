"""Train with digests of every step, hold the result against an untraced training, publish nothing."""

import json
from pathlib import Path

from bitforbit.commands import _shared
from bitforbit.errors import UsageError


def add_arguments(parser) -> None:
    _shared.add_experiment_options(parser)
    parser.add_argument("--seed", default="1", help="0 to 2^64 - 1 (default: 1)")
    parser.add_argument("--to", metavar="FOLDER", help="where the trace goes (default: traces/EXPERIMENT-seed-SEED)")
    parser.add_argument("--window", metavar="A:B", help="keep the digests of steps A to before B only")
    parser.add_argument("--no-observer-check", action="store_true", help="do not train without digests, too")
    _shared.add_config_option(parser)
    _shared.add_runs_option(parser)
    _shared.add_policy_options(parser)


def run(options) -> int:
    window = _window(options.window)
    pinned = _shared.start(options)
    from bitforbit.diagnosis.trace import experiments
    from bitforbit.report import progress

    request = _shared.request(options, pinned)
    name, seed = request.experiment.name, request.seed
    folder = Path(options.to or f"traces/{name}-seed-{seed}")

    def shown(words: str) -> progress.Progress:
        return progress.Progress(request.config.epochs, f"{name} seed {seed}, {words}", quiet=options.json)

    done = experiments.trace(
        request, folder, shown, window, experiments.published(request), check=not options.no_observer_check
    )
    if options.json:
        print(json.dumps(done.record(), indent=2))
    return done.report(not options.json)


def _window(text: str | None):
    if text is None:
        return None
    first, colon, end = text.partition(":")
    if not (colon and first.isdecimal() and end.isdecimal() and int(first) < int(end)):
        raise UsageError(f"expected --window A:B with A below B, received {text!r}. Next step: --window 100:200")
    from bitforbit.diagnosis.trace import Window

    return Window(int(first), int(end))

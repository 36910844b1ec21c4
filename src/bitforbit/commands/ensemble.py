"""Combine replicates of one configuration into one plain Keras file."""

import json
from pathlib import Path

from bitforbit.commands import _shared


def add_arguments(parser) -> None:
    _shared.add_experiment_options(parser)
    parser.add_argument(
        "--seeds", default="0-29", metavar="LIST", help="the members, as 0-29 or 0-9,20 (default: 0-29)"
    )
    parser.add_argument("--uncertainty", action="store_true", help="also give spread and, for classes, entropies")
    parser.add_argument("--tolerance", type=float, metavar="T", help="say how many members keep two builds this close")
    parser.add_argument("--output", metavar="FOLDER", help="where to (default: ensemble-SEEDS beside the members)")
    _shared.add_config_option(parser)
    _shared.add_runs_option(parser)
    parser.add_argument("--pool-size", type=int, metavar="K", help="threads of each pool; decides bits (default: 2)")
    _shared.add_json_option(parser)
    parser.set_defaults(no_strict=False)


def run(options) -> int:
    from bitforbit.errors import UsageError
    from bitforbit.replicates import contract, seedlist
    from bitforbit.replicates.ensemble import members
    from bitforbit.training import store

    chosen = seedlist.parse(options.seeds)
    if options.tolerance is not None and not options.tolerance > 0:
        raise UsageError(f"expected a tolerance above 0, received {options.tolerance:g}")
    pinned = _shared.start(options)
    file = Path(options.config) if options.config else None
    task = contract.plan(options.experiment, file, tuple(options.set), pinned, store.root(options.runs)[0])
    replicates = task.collect(chosen)
    members.check(replicates)
    from bitforbit.policy import activate
    from bitforbit.replicates.ensemble import make
    from bitforbit.report import ensemble as shown
    from bitforbit.report import pictures
    from bitforbit.training import config, experiment

    activate(pinned)
    loaded = experiment.load(options.experiment)
    resolved = config.resolve(loaded.config_type, file, tuple(options.set))
    made = make.make(loaded, resolved, replicates, options.uncertainty, options.tolerance)
    name = f"ensemble-{seedlist.spell(chosen)}" + ("-uncertainty" if options.uncertainty else "")
    folder = Path(options.output) if options.output else members.folder(replicates) / name
    digest = make.publish(
        made, folder, lambda aside: pictures.gain(aside, made.document, _metric(loaded, made.document))
    )
    if options.json:
        print(json.dumps({"folder": str(folder), "digest": digest, "ensemble": made.document}, indent=2))
        return 0
    print("\n".join(shown.tell(made.document)))
    print(f"  ensemble     {made.document['model']}\n  document     {digest}\n  written      {folder / make.MODEL}")
    return 0


def _metric(loaded, document: dict) -> str:
    from bitforbit.replicates.statistics import goal

    declared = goal.expected(loaded.module)
    return declared["metric"] if declared else next(iter(document["gain"]["ensemble"]))

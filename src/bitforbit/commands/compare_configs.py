"""Tell whether one configuration is better than another, by their seeds."""

import json
from pathlib import Path

from bitforbit.commands import _shared


def add_arguments(parser) -> None:
    parser.add_argument("configuration", nargs="+", help="two or more: a folder of runs, or EXPERIMENT/HASH")
    parser.add_argument("--metric", metavar="NAME", help="what to compare (default: the experiment's own)")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--higher-is-better", dest="higher", action="store_const", const=True, help="of --metric")
    way.add_argument("--lower-is-better", dest="higher", action="store_const", const=False, help="of --metric")
    parser.add_argument("--seeds", metavar="LIST", help="as 0-29 (default: all that are there)")
    parser.add_argument("--looks", metavar="LIST", help="planned looks, as 10,20,30,50: the first that decides counts")
    parser.add_argument(
        "--difference", metavar="D", help="say how many seeds see this difference (default: one SD of A)"
    )
    parser.add_argument("--output", metavar="FOLDER", help="also write comparison.json and pictures")
    _shared.add_runs_option(parser)
    _shared.add_json_option(parser)


def run(options) -> int:
    from bitforbit.errors import UsageError
    from bitforbit.evidence import canonical
    from bitforbit.replicates import collect, locate, seedlist
    from bitforbit.replicates.statistics import comparison, goal, sequential
    from bitforbit.report import comparison as shown
    from bitforbit.report import pictures
    from bitforbit.training import experiment, store

    if len(options.configuration) < 2:
        raise UsageError("expected two configurations or more, received one. Next step: compare-configs A B")
    looks = sequential.parse(options.looks) if options.looks else None
    chosen = seedlist.parse(options.seeds) if options.seeds else None
    root, _ = store.root(options.runs)
    places = [locate.find(text, root) for text in options.configuration]
    names = [place.experiment for place in places]
    declared = goal.expected(experiment.load(names[0]).module) if set(names) <= set(experiment.BUILT_IN) else None
    aim = goal.choose(declared, options.metric, options.higher)
    difference = goal.difference(options.difference, {"metric": aim.metric}) if options.difference else {}
    if difference.keys() - {aim.metric}:
        raise UsageError(f"expected a difference of {aim.metric}, which is compared, received {options.difference}")
    difference = difference.get(aim.metric)
    sides = [comparison.Configuration(_name(index), place.collect(chosen)) for index, place in enumerate(places)]
    document = comparison.compare(sides, aim, looks, difference)
    digest = canonical.digest(document)
    if options.output:
        folder = Path(options.output)
        folder.mkdir(parents=True, exist_ok=True)
        canonical.write(folder / "comparison.json", canonical.dumps(document))
        values = [
            {run.seed: run.result["metrics"][aim.metric] for run in side.replicates if run.status == collect.FINISHED}
            for side in sides
        ]
        pictures.comparison(folder, document, values)
    if options.json:
        print(json.dumps({"digest": digest, "comparison": document}, indent=2))
    else:
        print("\n".join(shown.tell(document)))
        print(f"  comparison      {digest}")
    return 0


def _name(index: int) -> str:
    """Return A to Z, then A1 to Z1 and so on."""
    return chr(ord("A") + index % 26) + (str(index // 26) if index >= 26 else "")

"""Find out why a training differs: vary its surroundings, name the guilty one and its line."""

import ast
import json
import os
import shlex
import shutil
import sys
import tempfile
import time
from pathlib import Path

from bitforbit.commands import _shared
from bitforbit.errors import UsageError

PARTS = {"Config", "load_data", "build_model"}


def add_arguments(parser) -> None:
    parser.add_argument("subject", help="an experiment, as for train, or any script.py, as for run")
    parser.add_argument("--args", default="", metavar="WORDS", help="a script's own arguments: --args='--epochs 2'")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a key of the config")
    _shared.add_config_option(parser)
    parser.add_argument("--seed", default="1", help="the training's seed (default: 1)")
    parser.add_argument("--pool-size", type=int, metavar="K", help="threads of each pool; decides bits (default: 2)")
    parser.add_argument("--vary-seed", type=int, default=1, metavar="N", help="seed of the variations (default: 1)")
    parser.add_argument("--only", action="append", metavar="CONDITION", help="vary only this one; may be given again")
    parser.add_argument("--skip", action="append", default=[], metavar="CONDITION", help="leave this one alone")
    parser.add_argument("--list", action="store_true", help="print the conditions and exit; SUBJECT is not run")
    parser.add_argument("--jobs", type=int, metavar="N", help="runs side by side (default: 2, or 1 on one core)")
    parser.add_argument("--timeout", type=float, default=3600, metavar="SECONDS", help="of each run (default: 3600)")
    parser.add_argument("--keep", metavar="FOLDER", help="keep all runs and logs in this new folder")
    parser.add_argument("--html", metavar="FILE", help="also write the report as one HTML page")
    _shared.add_json_option(parser)


def run(options) -> int:
    from bitforbit.diagnosis.attribute import flow
    from bitforbit.diagnosis.vary import conditions, seal
    from bitforbit.diagnosis.vary.subject import Runner
    from bitforbit.evidence import canonical
    from bitforbit.policy import Policy, host
    from bitforbit.report import diagnosis, tree

    host.require_level_v3()
    policy = Policy.from_environment(options.pool_size)
    if options.vary_seed < 1:
        raise UsageError(f"expected a seed of variation from 1, received {options.vary_seed}")
    table = conditions.table(options.vary_seed, policy.pool_size)
    table = _chosen(table, options.only, options.skip)
    if options.list:
        _print_table(table)
        return 0
    subject = _subject(options, policy)
    seal.library()
    jobs = options.jobs or min(2, len(os.sched_getaffinity(0)))
    began = time.monotonic()
    with _folder(options.keep) as work:
        runner = Runner(subject, policy, work, jobs, options.timeout, None if options.json else _progress)
        found = flow.diagnose(runner, table)
    seconds = time.monotonic() - began
    shown = diagnosis.tree(
        found, f"{subject.name} seed {options.seed}", seconds, len(runner.outcomes), options.vary_seed
    )
    if options.html:
        canonical.write(Path(options.html), tree.page(shown, shown.text).encode())
    if options.json:
        print(json.dumps(diagnosis.record(found, subject.name, seconds, runner.outcomes, options.vary_seed), indent=2))
    else:
        print(tree.text(shown))
    return 0 if found.verdict == "reproducible" else 1


def _chosen(table, only: list[str] | None, skip: list[str]):
    names = [item.name for item in table]
    for name in [*(only or []), *skip]:
        if name not in names:
            raise UsageError(f"unknown condition {name!r}. Expected one of: {', '.join(names)}.")
    return [item for item in table if item.name not in skip and (not only or item.name in only)]


def _print_table(table) -> None:
    width = max(len(item.name) for item in table)
    for item in table:
        print(f"{item.name:{width}}  {item.kind:7}  {item.missing or item.words}")


def _subject(options, policy):
    from bitforbit.diagnosis.vary.subject import Subject

    target = options.subject
    path = Path(target)
    pool = ("--pool-size", str(policy.pool_size))
    if target.endswith(".py"):
        if not path.is_file():
            raise UsageError(f"expected an experiment or a script at {target}, found no such file")
        target = str(path.resolve())
        if not _is_experiment(path):
            if options.set or options.config:
                raise UsageError("expected --set and --config with an experiment, found a script")
            return Subject(
                path.stem, path.resolve(), ("run", "--seed", options.seed, *pool), (target, *shlex.split(options.args))
            )
    if options.args:
        raise UsageError(f"expected --args with a script, received it with the experiment {options.subject}")
    settings = [word for pair in options.set for word in ("--set", pair)]
    config = ["--config", str(Path(options.config).resolve())] if options.config else []
    words = ("train", target, "--seed", options.seed, *settings, *config, *pool)
    return Subject(path.stem if path.suffix == ".py" else target, path if path.suffix == ".py" else None, words)


def _is_experiment(path: Path) -> bool:
    """Whether a file defines the three parts of an experiment; a script that does not parse is left to Python."""
    try:
        body = ast.parse(path.read_bytes()).body
    except (SyntaxError, ValueError):
        return False
    return {getattr(node, "name", "") for node in body} >= PARTS


class _folder:
    """A folder for the runs: kept where the user named it, else removed at the end."""

    def __init__(self, keep: str | None):
        self.keep = keep

    def __enter__(self) -> Path:
        if self.keep:
            path = Path(self.keep).resolve()
            if path.exists() and any(path.iterdir()):
                raise UsageError(f"expected a new or empty folder for --keep, found files in {path}")
            path.mkdir(parents=True, exist_ok=True)
        else:
            path = Path(tempfile.mkdtemp(prefix="bitforbit-diagnose-"))
        self.path = path
        path.chmod(0o755)
        return path

    def __exit__(self, *failure) -> None:
        if not self.keep:
            shutil.rmtree(self.path, ignore_errors=True)


def _progress(outcome) -> None:
    result = outcome.failure or outcome.digest[:16]
    print(f"  {outcome.seconds:6.1f} s  {result:16}  {outcome.label}", file=sys.stderr, flush=True)

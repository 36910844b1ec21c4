"""Find out why a training differs: vary its surroundings, name the guilty one and its line."""

import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from bitforbit.commands import _shared
from bitforbit.errors import UsageError

# Seconds of a run above which the user is told how long the rest will take.
LONG = 40


def add_arguments(parser) -> None:
    parser.add_argument("subject", help="an experiment, as for train, or any script.py, as for run")
    parser.add_argument("--args", default="", metavar="WORDS", help="a script's own arguments: --args='--epochs 2'")
    parser.add_argument("--stdin", metavar="FILE", help="a script's standard input in every run (default: none)")
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
    from bitforbit.commands import _subject
    from bitforbit.diagnosis.attribute import flow, suspects
    from bitforbit.diagnosis.vary import conditions, seal
    from bitforbit.diagnosis.vary.subject import Runner
    from bitforbit.evidence import canonical
    from bitforbit.policy import Policy, host
    from bitforbit.report import diagnosis, tree

    host.require_level_v3()
    policy = Policy.from_environment(options.pool_size)
    _check(options)
    files, of_script = _subject.files(options), _subject.is_script(options)
    table = _chosen(conditions.table(options.vary_seed, policy.pool_size, files, of_script), options)
    if options.list:
        _print_table(table)
        return 0
    subject = _subject.of(options, policy)
    _writable(options.html)
    linted = suspects.lint(subject)
    seal.library()
    jobs = options.jobs or min(2, len(os.sched_getaffinity(0)))
    began = time.monotonic()
    with _folder(options.keep) as work, _shared.terminated_as_by_ctrl_c():
        runner = Runner(subject, policy, work, jobs, options.timeout, None if options.json else _progress)
        if not options.json:
            _say(f"{subject.name}: 8 runs and more, {jobs} at a time; Ctrl-C ends them all")
        try:
            found = flow.diagnose(runner, table)
        except flow.Refused as refused:
            raise flow.Refused(f"{refused}{_subject.hint(str(refused), options)}") from None
    seconds, runs = time.monotonic() - began, runner.outcomes
    title = f"{subject.name} seed {options.seed}"
    shown = diagnosis.tree(found, linted, title, seconds, len(runs), options.vary_seed)
    if options.json:
        record = diagnosis.record(found, linted, subject.name, seconds, runs, options.vary_seed)
        print(json.dumps(record, indent=2))
    else:
        print(tree.text(shown))
    if options.html:
        canonical.write(Path(options.html), tree.page(shown, shown.text).encode())
    return 0 if found.verdict == "reproducible" else 1


def _check(options) -> None:
    from bitforbit.training import seeds

    seeds.parse(options.seed)
    if options.vary_seed < 1:
        raise UsageError(f"expected a seed of variation from 1, received {options.vary_seed}")
    if options.jobs is not None and options.jobs < 1:
        raise UsageError(f"expected --jobs from 1, received {options.jobs}")
    if options.timeout <= 0:
        raise UsageError(f"expected --timeout in seconds above 0, received {options.timeout:g}")


def _chosen(table, options):
    only, skip = options.only, options.skip
    names = [item.name for item in table]
    for name in [*(only or []), *skip]:
        if name not in names:
            raise UsageError(f"unknown condition {name!r}. Expected one of: {', '.join(names)}.")
    return [item for item in table if item.name not in skip and (not only or item.name in only)]


def _print_table(table) -> None:
    width = max(len(item.name) for item in table)
    for item in table:
        print(f"{item.name:{width}}  {item.kind:7}  {item.missing or item.words}")


def _writable(path: str | None) -> None:
    """Before any run: a page that cannot be written at the end would cost them all."""
    if not path:
        return
    try:
        with tempfile.TemporaryFile(dir=Path(path).absolute().parent):
            pass
    except OSError as error:
        raise UsageError(f"expected a folder that can be written for --html {path}, found: {error.strerror}") from None


class _folder:
    """A folder for the runs: kept where the user named it, else removed at the end."""

    def __init__(self, keep: str | None):
        self.keep = keep

    def __enter__(self) -> Path:
        if self.keep:
            path = Path(self.keep).resolve()
            if path.exists() and any(path.iterdir()):
                raise UsageError(f"expected a new or empty folder for --keep, found files in {path}")
            self.made = not path.exists()
            path.mkdir(parents=True, exist_ok=True)
        else:
            path = Path(tempfile.mkdtemp(prefix="bitforbit-diagnose-"))
        self.path = path
        path.chmod(0o755)
        return path

    def __exit__(self, *failure) -> None:
        if not self.keep:
            shutil.rmtree(self.path, ignore_errors=True)
        elif self.made:
            with contextlib.suppress(OSError):  # runs are in it, as they nearly always are
                self.path.rmdir()


def _progress(outcome) -> None:
    result = outcome.failure or outcome.digest[:16]
    _say(f"  {outcome.seconds:6.1f} s  {result:16}  {outcome.label}")
    if outcome.label == "control" and not outcome.failure and outcome.seconds > LONG:
        _say(f"  about {outcome.seconds * 3 / 60:.0f} min more where nothing differs")


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)

"""Fetch the experiments' data files by hash, or record data of one's own."""

import sys
from pathlib import Path


def add_arguments(parser) -> None:
    parser.add_argument("action", nargs="?", choices=("add",), help="add: record PATHs' SHA-256 in data.lock")
    parser.add_argument("path", nargs="*", help="files or folders below the folder of data.lock")
    parser.add_argument("--check", action="store_true", help="only check what is there")


def run(options) -> int:
    if options.action == "add":
        return _add(options)
    from bitforbit import datasets

    return datasets.command(check=options.check)


def _add(options) -> int:
    from bitforbit import datalock, project
    from bitforbit.errors import UsageError

    if options.check or not options.path:
        raise UsageError("expected bitforbit data add PATH. Next step: bitforbit data add data/FILE")
    # A data.lock goes beside the project's pyproject.toml; without one, into the current folder.
    here = Path.cwd()
    folder = next(
        (f for f in (here, *here.parents) if (f / project.FILE).is_file() or (f / datalock.FILE).is_file()), here
    )
    lock = folder / datalock.FILE
    for path in options.path:
        changed = datalock.add(Path(path), lock)
        for name, digest in changed.items():
            print(f"recorded  {digest}  {name}" if digest else f"gone  {name}")
        if not changed:
            print(f"as recorded  {path}", file=sys.stderr)
    print(f"{lock}: checked at each run. Next step: commit it", file=sys.stderr)
    return 0

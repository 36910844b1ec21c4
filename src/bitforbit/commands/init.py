"""Put locks, Dockerfile and Makefile around a Keras script that is there."""

import sys
from pathlib import Path


def add_arguments(parser) -> None:
    parser.add_argument("script", nargs="?", help="the script, in this folder (default: the only one that uses Keras)")
    parser.add_argument("--yes", action="store_true", help="write without asking")


def run(options) -> int:
    from bitforbit import project
    from bitforbit.errors import UsageError
    from bitforbit.starter import adopt, place

    folder = Path.cwd()
    script = adopt.find_script(folder, options.script)
    # The checkout that this package stands in, whatever folder was meant.
    chosen = adopt.plan(Path(project.__file__).resolve().parents[2], folder, script)
    if chosen.refused:
        raise UsageError(
            f"found files where bitforbit's own must stand, nothing was written: {', '.join(chosen.refused)}."
            " Next step: move them away"
        )
    _show(chosen, script)
    if not chosen.write:
        print("nothing to write: all is there")
        return 0
    if not options.yes and not _confirmed():
        print("nothing was written. Next step: bitforbit init --yes", file=sys.stderr)
        return 2
    place.write(chosen.write, folder)
    print(f"wrote {len(chosen.write)} files. Next step: make run")
    return 0


def _show(chosen, script: str) -> None:
    from bitforbit.starter import adopt

    print(f"around {script}, which is not touched:")
    grouped: dict[str, int] = {}
    for name in chosen.write:
        whole = next((folder for folder in adopt.WHOLE if name.startswith(f"{folder}/")), None)
        grouped[f"{whole}/" if whole else name] = grouped.get(f"{whole}/" if whole else name, 0) + 1
    for name, count in grouped.items():
        print(f"  write  {name}" + (f" ({count} files)" if name.endswith("/") else ""))
    for name in chosen.kept:
        print(f"  keep   {name}: yours. {adopt.ADVICE[name].replace('{script}', script)}".rstrip(". "))


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        return False
    return input("Write them? [y/N] ").strip().lower() in ("y", "yes")

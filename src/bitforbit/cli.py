"""The command line: finds the commands, parses, calls. Nothing heavy is imported before a command needs it.

A command is one module of `bitforbit.commands`: the first line of its docstring is its summary, `add_arguments(parser)`
declares its options, `run(options)` returns the exit code.
Only the module of the command that was asked for is imported.
"""

import argparse
import importlib
import os
import sys

from bitforbit import __version__
from bitforbit.errors import BitforbitError

EXAMPLES = """\
examples:
  bitforbit train digits --seed 1
  bitforbit train solubility --set epochs=20 --set dropout=0.2
  bitforbit policy
  bitforbit verify

exit: 0 done or same, 1 different, 2 cannot do it (says what and the next step), 3 training diverged
"""
FOLDER = os.path.join(os.path.dirname(__file__), "commands")
# As a newcomer meets them; a command that is not named here comes after these, by name.
ORDER = ("train", "verify", "replicate", "compare-configs", "ensemble", "run", "trace", "compare", "diagnose", "lint",
         "audit", "policy", "doctor", "data", "init")  # fmt: skip


def commands() -> dict[str, str]:
    """Return the summary of each command, in the order of the help; reads one line of each module, imports none."""
    files = [name for name in os.listdir(FOLDER) if name.endswith(".py") and not name.startswith("_")]
    found = {name.removesuffix(".py").replace("_", "-"): name for name in files}
    names = sorted(found, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    return {name: _summary(found[name]) for name in names}


def _summary(name: str) -> str:
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.readline().strip().strip('"')


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """As its parent, which imports shutil, and with it four packers, to ask how wide the terminal is."""

    def __init__(self, prog: str):
        try:
            width = int(os.environ.get("COLUMNS", 0)) or os.get_terminal_size(1).columns
        except (OSError, ValueError):
            width = 80
        super().__init__(prog, width=width - 2)


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the parser; only the options of `command` are in it."""
    parser = argparse.ArgumentParser(
        prog="bitforbit",
        description="Train Keras models so that every host gives the same bits, and prove it.",
        epilog=EXAMPLES,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"bitforbit {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in commands().items():
        subparser = subparsers.add_parser(
            name, help=summary, description=summary, formatter_class=_Formatter, allow_abbrev=False
        )
        if name == command:
            module = importlib.import_module(f"bitforbit.commands.{name.replace('-', '_')}")
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run, refuse=subparser.error)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code. A user's mistake never shows a traceback."""
    arguments = sys.argv[1:] if arguments is None else arguments
    command = next((word for word in arguments if not word.startswith("-")), None)
    try:
        options, unknown = build_parser(command).parse_known_args(arguments)
        if unknown:
            options.refuse(f"unrecognized arguments: {' '.join(unknown)}")
        return options.run(options)
    except BitforbitError as error:
        print(f"bitforbit {command}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as stopped:
        print(f"bitforbit {command}: interrupted; {stopped or 'nothing was published'}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(f"bitforbit {command}: {error.strerror or error}{where}; nothing was published", file=sys.stderr)
        return 2

"""The command line: parses, calls, prints. Nothing heavy is imported before a command needs it."""

import argparse
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


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; `handler` names the function that runs each."""
    parser = argparse.ArgumentParser(
        prog="bitforbit",
        description="Train Keras models so that every host gives the same bits, and prove it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"bitforbit {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    train = _add(commands, "train", "Train one experiment with one seed and publish its evidence.")
    train.add_argument(
        "experiment", nargs="?", default="digits", help="name, dotted module or .py file (default: digits)"
    )
    train.add_argument("--seed", default="1", help="0 to 2^64 - 1 (default: 1)")
    train.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override one key of the config")
    train.add_argument("--config", metavar="FILE", help="override keys from a TOML file")
    train.add_argument("--runs", metavar="FOLDER", help="folder of all runs (default: $BITFORBIT_RUNS, else runs)")
    train.add_argument("--force", action="store_true", help="train even where the run is there already")
    _add_policy_options(train)

    verify = _add(commands, "verify", "Train the reference experiments and hold them against the committed goldens.")
    verify.add_argument("experiment", nargs="*", help="which ones (default: all)")
    verify.add_argument("--golden", metavar="FILE", help="goldens to hold against (default: golden/<host class>.json)")
    verify.add_argument("--write", action="store_true", help="write the goldens instead (a decision: bump the policy)")
    verify.add_argument("--attest", metavar="FILE", help="also write a statement of what this host reproduced")
    _add_policy_options(verify)

    audit = _add(commands, "audit", "List the ops of an experiment, with what is known of each on other hosts.")
    audit.add_argument(
        "experiment", nargs="?", default="digits", help="name, dotted module or .py file (default: digits)"
    )
    audit.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override one key of the config")
    _add_policy_options(audit)

    policy = _add(commands, "policy", "Print the table of knobs with wanted and found values.")
    policy.add_argument("--env", action="store_true", help="print KEY=VALUE lines to set before Python starts")
    _add_policy_options(policy)

    data = _add(commands, "data", "Fetch the experiments' data files, by hash.")
    data.add_argument("--check", action="store_true", help="only check what is there")
    return parser


def _add(commands, name: str, summary: str) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)


def _add_policy_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pool-size", type=int, metavar="K", help="threads of each pool; decides bits (default: 2)")
    parser.add_argument(
        "--no-strict", action="store_true", help="go on where a knob did not take; claims no host class"
    )
    parser.add_argument("--json", action="store_true", help="print the machine form on stdout")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code. A user's mistake never shows a traceback."""
    options = build_parser().parse_args(arguments)
    from bitforbit import commands

    try:
        return commands.run(options)
    except BitforbitError as error:
        print(f"bitforbit {options.command}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"bitforbit {options.command}: interrupted; nothing was published", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(f"bitforbit {options.command}: {error.strerror or error}{where}; nothing was published", file=sys.stderr)
        return 2

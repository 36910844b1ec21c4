"""What several commands share: their options, and the start under the policy."""

import argparse

from bitforbit import project
from bitforbit.policy.model import Policy


def add_experiment_options(parser: argparse.ArgumentParser) -> None:
    default = project.settings().experiment
    parser.add_argument(
        "experiment", nargs="?", default=default, help=f"name, dotted module or .py file (default: {default})"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override one key of the config"
    )


def add_config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", help="override keys from a TOML file")


def add_runs_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", metavar="FOLDER", help="folder of all runs (default: $BITFORBIT_RUNS, else runs)")


def add_policy_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pool-size", type=int, metavar="K", help="threads of each pool; decides bits (default: 2)")
    parser.add_argument(
        "--no-strict", action="store_true", help="go on where a knob did not take; claims no host class"
    )
    add_json_option(parser)


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the machine form on stdout")


def start(options) -> Policy:
    """Return the policy, in a process that was started with its environment."""
    from bitforbit.policy import deferred, host, launcher, readback

    chosen = Policy.from_environment(options.pool_size)
    host.require_level_v3()
    launcher.ensure_environment(chosen)
    # Before any import of NumPy or of a user's module: both may read variables as they load.
    readback.refuse(readback.read_environment(chosen), strict=not options.no_strict)
    deferred.install()
    return chosen

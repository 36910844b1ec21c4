"""What several commands share: their options, and the start under the policy."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bitforbit import project
from bitforbit.policy.model import PRECISIONS, Policy

if TYPE_CHECKING:
    from bitforbit.training import loop


def add_experiment_options(parser: argparse.ArgumentParser) -> None:
    default, kinds = project.settings().experiment, "name, dotted module or .py file"
    if default:
        parser.add_argument("experiment", nargs="?", default=default, help=f"{kinds} (default: {default})")
    else:
        parser.add_argument("experiment", help=kinds)
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override one key of the config"
    )


def add_config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", help="override keys from a TOML file")


def add_runs_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", metavar="FOLDER", help="folder of all runs (default: $BITFORBIT_RUNS, else runs)")


def add_policy_options(parser: argparse.ArgumentParser) -> None:
    add_pinning_options(parser)
    add_json_option(parser)


def add_pinning_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pool-size", type=int, metavar="K", help="threads of each pool; decides bits (default: 2)")
    parser.add_argument(
        "--no-strict", action="store_true", help="go on where a knob did not take; claims no host class"
    )


def add_device_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", metavar="DEVICE", help="cpu, gpu or auto (default: $BITFORBIT_DEVICE, else cpu)")
    parser.add_argument("--gpus", type=int, metavar="N", help="GPUs that TensorFlow sees (default: 1)")
    parser.add_argument("--precision", choices=PRECISIONS, help="on a GPU: mixed precision makes a class of its own")
    parser.add_argument("--xla", action="store_true", help="on a GPU: compile with XLA; makes a class of its own")


def add_sentinel_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sentinel",
        action="store_true",
        help="report fresh entropy, clocks as seeds, listings, threads as they happen",
    )


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the machine form on stdout")


def policy(options) -> Policy:
    """Return the policy that the options ask for; on a GPU, only where the driver has one."""
    from bitforbit.policy import devices

    names = ("device", "gpus", "precision", "xla")
    chosen = Policy.from_environment(options.pool_size, *(getattr(options, name, None) for name in names))
    if chosen.device == devices.GPU:
        devices.require_gpu(chosen.gpus)
    return chosen


def start(options) -> Policy:
    """Return the policy, in a process that was started with its environment."""
    from bitforbit.policy import deferred, host, launcher, readback

    host.require_level_v3()
    chosen = policy(options)
    launcher.ensure_environment(chosen)
    # Before any import of NumPy or of a user's module: both may read variables as they load.
    readback.refuse(readback.read_environment(chosen), strict=not options.no_strict)
    deferred.install()
    return chosen


def request(options, pinned: Policy) -> loop.Request:
    """Return what the options ask to train: experiment, config, seed and folder of runs; after `start`."""
    from pathlib import Path

    from bitforbit.training import config, experiment, loop, seeds, store

    seed = seeds.parse(options.seed)
    chosen = experiment.load(options.experiment)
    file = Path(options.config) if options.config else None
    resolved = config.resolve(chosen.config_type, file, tuple(options.set))
    root, note = store.root(options.runs)
    if note:
        print(f"bitforbit {options.command}: {note}", file=sys.stderr)
    return loop.Request(chosen, resolved, seed, pinned, root, not options.no_strict, getattr(options, "force", False))


@contextlib.contextmanager
def terminated_as_by_ctrl_c() -> Iterator[None]:
    """In the block, SIGTERM and SIGHUP end a command as Ctrl-C does, and with it what it started."""

    def interrupt(*_):
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

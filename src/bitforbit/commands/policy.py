"""Print the table of knobs with wanted and found values."""

import json
import sys

from bitforbit.commands import _shared
from bitforbit.policy.model import UNSET, Policy


def add_arguments(parser) -> None:
    parser.add_argument("--env", action="store_true", help="print KEY=VALUE lines to set before Python starts")
    _shared.add_policy_options(parser)
    _shared.add_device_options(parser)


def run(options) -> int:
    if options.env:
        names = ("pool_size", "device", "gpus", "precision", "xla")
        pinned = Policy.from_environment(*(getattr(options, name) for name in names))
        print("\n".join(f"{name}={value}" for name, value in pinned.environment().items()))
        return 0
    from bitforbit.policy import apply, host, knobs, launcher, readback

    host.require_level_v3()
    pinned = _shared.policy(options)
    launcher.ensure_environment(pinned)
    apply.set_in_process(pinned)
    readings = readback.read_all(pinned)
    if options.json:
        rows = [reading._asdict() | {"took": reading.took} for reading in readings]
        print(json.dumps({"policy": pinned.record(), "knobs": rows}, indent=2))
    else:
        print(f"policy version {knobs.VERSION}, pool size {pinned.pool_size}, digest {pinned.record()['digest']}")
        _print_knobs(readings)
    failed = [reading for reading in readings if not reading.took]
    for reading in failed:
        print(f"bitforbit policy: {reading.complaint}", file=sys.stderr)
    return 0 if not failed or options.no_strict else 2


def _print_knobs(readings) -> None:
    """Print one line for each knob; the variables that must stay unset, and are, share the last one."""
    shown = [reading for reading in readings if reading.wanted != UNSET or not reading.took]
    widths = [max(len(reading[column]) for reading in shown) for column in range(3)]
    print(
        "  " + "  ".join(f"{title:{width}}" for title, width in zip(("knob", "wanted", "found"), widths, strict=True))
    )
    for reading in shown:
        cells = "  ".join(f"{reading[column]:{widths[column]}}" for column in range(3))
        print(f"{' ' if reading.took else '!'} {cells}  {reading.when}: {reading.why} [{reading.source}]")
    print(f"  and {len(readings) - len(shown)} variables that must stay unset, and are (bitforbit policy --json)")

"""Train the reference experiments and hold them against the committed goldens."""

from bitforbit.commands import _shared


def add_arguments(parser) -> None:
    parser.add_argument("experiment", nargs="*", help="which ones (default: all)")
    parser.add_argument("--golden", metavar="FILE", help="goldens to hold against (default: golden/<host class>.json)")
    parser.add_argument("--write", action="store_true", help="write the goldens instead (a decision: bump the policy)")
    parser.add_argument("--attest", metavar="FILE", help="also write a statement of what this host reproduced")
    parser.add_argument(
        "--times", type=int, choices=(1, 2), help="2: train in two processes and compare them first (default on a GPU)"
    )
    _shared.add_policy_options(parser)
    _shared.add_device_options(parser)


def run(options) -> int:
    pinned = _shared.start(options)
    from bitforbit import verify

    return verify.command(options, pinned)

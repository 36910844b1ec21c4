"""Hold the reference experiments and scripts against the goldens; or an ensemble against its record."""

import json
from pathlib import Path

from bitforbit.commands import _shared
from bitforbit.errors import UsageError


def add_arguments(parser) -> None:
    parser.add_argument(
        "experiment",
        nargs="*",
        help="which ones, scripts too (default: all); or an ensemble.keras, with its experiment or alone",
    )
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
    if any(name.endswith(".keras") for name in options.experiment):
        return _ensemble(options, pinned)
    from bitforbit import verify

    options.experiment, scripts = verify.chosen(options.experiment)
    if options.experiment and scripts and options.json:
        raise UsageError("expected --json with experiments or with scripts. Next step: name the ones that are meant")
    code = verify.command(options, pinned) if options.experiment else 0
    if scripts:
        from bitforbit.diagnosis.script import goldens

        with _shared.terminated_as_by_ctrl_c():
            code = max(code, goldens.command(options, pinned, scripts))
    return code


def _ensemble(options, pinned) -> int:
    from bitforbit.replicates.ensemble import verify
    from bitforbit.report import ensemble as shown

    files = [name for name in options.experiment if name.endswith(".keras")]
    others = [name for name in options.experiment if not name.endswith(".keras")]
    if len(files) > 1 or len(others) > 1 or options.write or options.golden or options.attest:
        raise UsageError(
            "expected one ensemble, with its experiment or alone. Next step: bitforbit verify ensemble.keras"
        )
    path = Path(files[0])
    verdict = verify.verify(path, pinned, *others)
    if options.json:
        print(json.dumps({"same": verdict.same} | verdict._asdict(), indent=2))
    else:
        print("\n".join(shown.tell_verdict(verdict, path)))
    return 0 if verdict.same else 1

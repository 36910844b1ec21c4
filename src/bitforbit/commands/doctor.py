"""Look at this machine as a training would, and name what is wrong, why, and what mends it."""

import json

from bitforbit.commands import _shared


def add_arguments(parser) -> None:
    parser.add_argument(
        "--device", choices=("auto", "cpu", "gpu"), default="auto",
        help="what is to train: gpu makes each missing part of its chain a failure (default: look at what is there)",
    )  # fmt: skip
    _shared.add_json_option(parser)


def run(options) -> int:
    from bitforbit.doctor import examine
    from bitforbit.doctor.model import FAILURE

    findings = examine.examine(options.device)
    healthy = all(finding.state != FAILURE for finding in findings)
    if options.json:
        print(json.dumps({"healthy": healthy, "findings": [finding._asdict() for finding in findings]}, indent=2))
    else:
        print(examine.text(findings))
    return 0 if healthy else 2

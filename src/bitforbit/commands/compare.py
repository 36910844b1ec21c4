"""Name the first difference of two runs: epoch, step, tensor, op, line and likely causes."""

import json
import os
from pathlib import Path

from bitforbit.commands import _shared
from bitforbit.errors import UsageError


def add_arguments(parser) -> None:
    parser.add_argument("run_a", metavar="RUN_A", help="folder of a published run or of a trace")
    parser.add_argument("run_b", metavar="RUN_B", help="the other one")
    parser.add_argument("--anyway", action="store_true", help="compare although config, policy or class differ")
    parser.add_argument("--no-zoom", action="store_true", help="do not start the runs again to find op and line")
    parser.add_argument("--html", metavar="FILE", help="also write the finding as a page")
    _shared.add_json_option(parser)


def run(options) -> int:
    page = Path(options.html) if options.html else None
    if page and not os.access(page.parent, os.W_OK):
        # Before the runs are started again, which may take minutes.
        raise UsageError(
            f"expected a folder that can be written for --html {page}, found none. Next step: another path"
        )
    from bitforbit.diagnosis import compare
    from bitforbit.diagnosis.compare import html, text
    from bitforbit.evidence import canonical

    found = compare.compare(Path(options.run_a), Path(options.run_b), options.anyway, not options.no_zoom)
    if page:
        canonical.write(page, html.page(found, options.run_a, options.run_b).encode())
    if options.json:
        print(json.dumps({"same": found is None, "difference": found.record() if found else None}, indent=2))
    else:
        print("\n".join(text.lines(found, options.run_a, options.run_b)))
    return 1 if found else 0

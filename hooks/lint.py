#!/usr/bin/env python3
"""What pre-commit starts: the linter from this checkout. It needs Python 3.11 and nothing that has to be installed."""

import sys
from pathlib import Path

# Whatever `python3` is, it can read this file.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("bitforbit lint: expected Python 3.11 or later as python3, found " + sys.version.split()[0])
sys.path[0] = str(Path(__file__).resolve().parents[1] / "src")
from bitforbit import cli  # noqa: E402

sys.exit(cli.main(["lint", *sys.argv[1:]]))

"""The table of ops in docs/kernels.md is written from `table.ROWS`: `python -m tests.kernels.test_docs --write`."""

import re
import sys
from pathlib import Path

from bitforbit.kernels.table import ROWS

DOCS = Path(__file__).parents[2] / "docs" / "kernels.md"
BETWEEN = re.compile(r"(<!-- written by tests/kernels/test_docs.py[^\n]*-->\n).*?(<!-- end -->)", re.S)


def table():
    """The Markdown table, one line a row."""
    lines = ["| op | dtypes | formula | error, ulp | reached by |", "|---|---|---|---|---|"]
    for row in ROWS:
        lines.append(f"| `{row.op}` | {', '.join(row.dtypes)} | {row.formula} | ≤ {row.ulp:g} | {row.reached_by} |")
    return "\n".join(lines)


def rendered(text):
    return BETWEEN.sub(lambda match: match[1] + table() + "\n" + match[2], text)


def test_the_docs_hold_the_table():
    text = DOCS.read_text()
    assert BETWEEN.search(text) and rendered(text) == text, "run `python -m tests.kernels.test_docs --write`"


if __name__ == "__main__" and "--write" in sys.argv:
    DOCS.write_text(rendered(DOCS.read_text()))

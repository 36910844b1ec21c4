"""A difference as one HTML page without scripts or outside files."""

import html

from bitforbit.diagnosis.compare import text
from bitforbit.diagnosis.compare.difference import Difference

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}}
table{{border-collapse:collapse;width:100%}}th,td{{text-align:left;vertical-align:top;padding:.3rem .6rem;
border-bottom:1px solid #ddd}}th{{white-space:nowrap;font-weight:600}}td{{overflow-wrap:anywhere}}</style></head>
<body><h1>{title}</h1><p>{subject}</p>{body}</body></html>
"""


def page(found: Difference | None, a, b) -> str:
    """Return the page; `a` and `b` are the folders that were compared."""
    subject = f"<code>{html.escape(str(a))}</code> and <code>{html.escape(str(b))}</code>"
    if found is None:
        return _PAGE.format(title="Same", subject=subject, body="<p>No difference in what was recorded.</p>")
    body = _table(text.branches(found), ("what", "where"))
    if found.causes:
        rows = [(cause.name, cause.a, cause.b, cause.why) for cause in found.causes]
        body += "<h2>Likely causes</h2>" + _table(rows, ("circumstance", "first run", "second run", "why"))
    if len(found.differing) > 1:
        body += f"<h2>All {len(found.differing)} sites that differ in that step</h2>"
        body += _table([(site,) for site in found.differing], ("site",))
    body += "".join(f"<p>To learn more: {html.escape(line)}</p>" for line in found.more)
    return _PAGE.format(title="Different", subject=subject, body=body)


def _table(rows, header) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    lines = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{lines}</table>"

"""`# noqa: BFB101 reason`: a comment that allows a finding, and has to say why."""

import io
import re
import tokenize
from typing import NamedTuple

from bitforbit.diagnosis.lint.rule import Finding

PATTERN = re.compile(r"#\s*noqa\s*:\s*((?:[A-Z]+[0-9]+[,\s]*)*BFB[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*)(.*)", re.IGNORECASE)
WITHOUT_REASON = "BFB002"


class Allowed(NamedTuple):
    """One comment: its line, the codes it names, its reason."""

    line: int
    codes: frozenset[str]
    reason: str


def comments(text: str) -> dict[int, Allowed]:
    """Return the comments that name a code of ours, by line; a bare `# noqa` allows nothing."""
    if "noqa" not in text.lower():
        return {}
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        match = PATTERN.search(token.string) if token.type == tokenize.COMMENT else None
        if match:
            codes = frozenset(re.findall(r"BFB[0-9]+", match[1].upper()))
            found[token.start[0]] = Allowed(token.start[0], codes, match[2].strip(" -:()\t"))
    return found


def apply(path: str, text: str, findings: list[Finding], reasons: bool = True) -> list[Finding]:
    """Return the findings that no comment allows, and with `reasons` one for each comment that gives none."""
    allowed = comments(text)
    if not allowed:
        return findings
    kept = []
    for finding in findings:
        lines = range(finding.line, max(finding.end_line, finding.line) + 1)
        if not any(line in allowed and finding.code in allowed[line].codes for line in lines):
            kept.append(finding)
    for comment in allowed.values():
        if reasons and not comment.reason:
            codes = ", ".join(sorted(comment.codes))
            message = f"noqa without a reason. Write # noqa: {codes} and why it is meant."
            kept.append(Finding(path, comment.line, 1, WITHOUT_REASON, message, comment.line))
    return sorted(kept, key=lambda finding: (finding.line, finding.column, finding.code))

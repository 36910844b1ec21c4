"""Print findings as text, JSON, SARIF 2.1.0 or GitHub's workflow commands."""

import json
import os
from pathlib import PurePath

from bitforbit import __version__
from bitforbit.diagnosis.lint import rules
from bitforbit.diagnosis.lint.check import Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FORMATS = ("text", "json", "sarif", "github")


def render(report: Report, form: str) -> str:
    """Return the whole output of one of `FORMATS`; text ends in no newline and is empty where nothing was found."""
    return {"text": text, "json": as_json, "sarif": sarif, "github": github}[form](report)


def text(report: Report) -> str:
    return "\n".join(f"{f.path}:{f.line}:{f.column}: {f.code} {f.message}" for f in report.findings)


def as_json(report: Report) -> str:
    rows = [finding._asdict() for finding in report.findings]
    return json.dumps({"files": report.files, "findings": rows, "unreadable": report.unreadable}, indent=2)


def github(report: Report) -> str:
    """GitHub shows these lines at the place in a pull request."""
    return "\n".join(
        f"::warning file={_escaped(f.path, ':,')},line={f.line},col={f.column},title={f.code}::{_escaped(f.message)}"
        for f in report.findings
    )


def _escaped(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _uri(path: str) -> str:
    """Return a path as RFC 3986 has it: `file:` where it is absolute, else relative to the working folder."""
    from urllib.parse import quote_from_bytes

    quoted = quote_from_bytes(os.fsencode(PurePath(path)))
    return f"file://{quoted}" if os.path.isabs(path) else quoted


def sarif(report: Report) -> str:
    every = rules.every()
    numbers = {rule.code: number for number, rule in enumerate(every)}
    described = [
        {
            "id": rule.code,
            "name": "".join(word.capitalize() for word in rule.name.split("-")),
            "shortDescription": {"text": rule.summary()},
            "fullDescription": {"text": rule.page()},
            "help": {"text": rule.page()},
            "defaultConfiguration": {"level": "warning"},
        }
        for rule in every
    ]
    results = [
        {
            "ruleId": f.code,
            "ruleIndex": numbers[f.code],
            "level": "warning",
            "message": {"text": f.message},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(f.path)},
                        "region": {"startLine": f.line, "startColumn": f.column},
                    }
                }
            ],
        }
        for f in report.findings
    ]
    driver = {"name": "bitforbit", "version": __version__}
    notes = [{"level": "error", "message": {"text": line}} for line in report.unreadable]
    run = {
        "tool": {"driver": driver | {"rules": described}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not report.unreadable, "toolExecutionNotifications": notes}],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)

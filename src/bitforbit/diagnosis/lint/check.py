"""Walk files and folders, parse each file once, hold every rule against it."""

import ast
import io
import os
import sys
import tokenize
import warnings
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.lint import noqa, rules
from bitforbit.diagnosis.lint.rule import Finding
from bitforbit.diagnosis.lint.source import Source
from bitforbit.errors import UsageError

SKIPPED = frozenset((".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox", "site-packages",
                     ".eggs", "build", "dist"))  # fmt: skip
STDIN = "-"


class Report(NamedTuple):
    """What was found.

    Attributes:
        findings: in the order of files and lines.
        files: how many were read.
        unreadable: a line for each file that could not be parsed.
    """

    findings: list[Finding]
    files: int
    unreadable: list[str]


def check(paths: list[str], select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> Report:
    """Lint files and folders.

    Args:
        paths: files of any name, folders, whose `.py` files count, and `-` for standard input.
        select: prefixes of codes to keep, as `BFB1`; all where empty.
        ignore: prefixes of codes to leave out.

    Raises:
        UsageError: a path does not exist, or a prefix names no rule.
    """
    chosen = _choose(select, ignore)
    findings, files, unreadable = [], 0, []
    for path in find(paths):
        files += 1
        try:
            findings += check_text(path, read(path), chosen)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            unreadable.append(f"{path}: cannot be parsed: {_why(error)}")
    return Report(findings, files, unreadable)


def check_text(path: Path, text: str, chosen=None) -> list[Finding]:
    """Return the findings of one file's text.

    Raises:
        SyntaxError: it is no Python of this version.
    """
    chosen = rules.every() if chosen is None else chosen
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    source = Source(path, text, tree)
    found = {finding for rule in chosen for finding in rule.findings(source)}
    ordered = sorted(found, key=lambda finding: (finding.line, finding.column, finding.code))
    return noqa.apply(str(path), text, ordered, any(rule.code == noqa.WITHOUT_REASON for rule in chosen))


def read(path: Path) -> str:
    """Return a file's text as Python would decode it; that of standard input for `-`."""
    data = sys.stdin.buffer.read() if str(path) == STDIN else path.read_bytes()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return io.TextIOWrapper(io.BytesIO(data), encoding).read()
    except (SyntaxError, UnicodeDecodeError):
        raise ValueError("its bytes are not the encoding that it declares, or UTF-8 where it declares none") from None


def find(paths: list[str]) -> list[Path]:
    """Return the files that `paths` name, sorted, each once.

    Raises:
        UsageError: one does not exist.
    """
    found: dict[Path, None] = {}
    for text in paths:
        path = Path(text)
        if path.is_dir():
            found.update(dict.fromkeys(_python_files(path)))
        elif path.exists() or text == STDIN:
            found[path] = None
        else:
            raise UsageError(f"expected a file or folder at {text}, found none. Next step: bitforbit lint .")
    return list(found)


def _python_files(folder: Path):
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not _is_environment(where, name))
        for name in sorted(files):
            # A pipe would be waited for, and an editor's lock is a link to nothing.
            if name.endswith(".py") and os.path.isfile(os.path.join(where, name)):
                yield Path(where, name)


def _is_environment(where: str, name: str) -> bool:
    return os.path.exists(os.path.join(where, name, "pyvenv.cfg"))


def _choose(select: tuple[str, ...], ignore: tuple[str, ...]):
    every = rules.every()
    for prefix in (*select, *ignore):
        if not any(rule.code.startswith(prefix.upper()) for rule in every):
            raise UsageError(
                f"unknown code {prefix!r}. Expected a prefix of: {', '.join(rule.code for rule in every)}."
            )
    select = tuple(prefix.upper() for prefix in select) or ("BFB",)
    ignored = tuple(prefix.upper() for prefix in ignore)
    return tuple(r for r in every if r.code.startswith(select) and not (ignored and r.code.startswith(ignored)))


def _why(error: Exception) -> str:
    if isinstance(error, SyntaxError) and error.lineno:
        return f"{error.msg} (line {error.lineno})"
    if isinstance(error, (RecursionError, MemoryError)):
        return "it is nested too deeply"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

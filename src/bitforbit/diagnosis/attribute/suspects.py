"""What the linter finds in the subject's source, held against what the runs found."""

import ast
import importlib.util
import os
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.attribute.found import Diagnosis, Guilty
from bitforbit.diagnosis.lint import check
from bitforbit.diagnosis.lint.rule import Finding
from bitforbit.diagnosis.vary import conditions
from bitforbit.diagnosis.vary.subject import Subject
from bitforbit.errors import UsageError

# Codes that can explain a difference under a condition; a prefix stands for its group.
RELEVANT = {
    "entropy": ("BFB101", "BFB102", "BFB103", "BFB104", "BFB105", "BFB106", "BFB108", "BFB109", "BFB302", "BFB506"),
    "clock": ("BFB301",),
    "directory order": ("BFB401",),
    "process id": ("BFB303",),
    "addresses": ("BFB303", "BFB402", "BFB403"),
    "hash seed": ("BFB303", "BFB402", "BFB403"),
    "thread timing": ("BFB5",),
    "cores": ("BFB5", "BFB602"),
    "load": ("BFB5",),
    "thread pools": ("BFB503", "BFB602"),
    "Python's generator": ("BFB103", "BFB107", "BFB204", "BFB205"),
    "NumPy's generator": ("BFB102", "BFB107", "BFB108", "BFB109", "BFB204", "BFB205"),
    "TensorFlow's generator": ("BFB105", "BFB107", "BFB204", "BFB205"),
}
RACE = ("BFB5",)
# What `run` and `train` see to themselves: seeds, op determinism, pools, variables.
SEEN_TO = ("BFB107", "BFB2", "BFB6")


class Suspects(NamedTuple):
    """The linter's findings.

    Attributes:
        files: how many were read.
        findings: those that the runs of a diagnosis can confirm or not.
        seen_to: those of what `run` and `train` do themselves, which explain a difference where they do not.
    """

    files: int
    findings: list[Finding]
    seen_to: tuple[Finding, ...] = ()

    def of(self, item: Guilty) -> list[Finding]:
        """Those that can explain a guilty condition, the lines that were proven first.

        Of a set whose order is proven to be taken in one line, a finding elsewhere explains nothing, unless that line
        was called from there: the set may have been made there.
        """
        wanted, known = RELEVANT.get(item.condition.name, ()), self.findings
        if item.condition.generator:
            known = [*known, *self.seen_to]
        chosen = [finding for finding in known if wanted and finding.code.startswith(wanted)]
        proven = [finding for finding in chosen if _at(finding, _lines(_frames(item)))]
        if item.condition.name == conditions.HASH_SEED and item.finding and item.finding.causes:
            return proven or [finding for finding in chosen if _at(finding, _lines(_stacks(item)))]
        return proven or chosen

    def of_race(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.code.startswith(RACE)]

    def others(self, found: Diagnosis) -> list[Finding]:
        """Those that explain nothing that the runs found."""
        used = [finding for item in (*found.guilty, *found.host) for finding in self.of(item)]
        used += self.of_race() if found.unstable else []
        return [finding for finding in self.findings if finding not in used]


def lint(subject: Subject) -> Suspects:
    """Lint the subject's file and the modules beside it that it imports.

    Raises:
        UsageError: the file is no Python.
    """
    files = _files(subject)
    report = check.check([str(path) for path in files]) if files else check.Report([], 0, [])
    if own := [line for line in report.unreadable if files and line.startswith(f"{files[0]}: ")]:
        raise UsageError(f"{own[0]}. Next step: mend it; nothing was run")
    seen_to = tuple(finding for finding in report.findings if finding.code.startswith(SEEN_TO))
    return Suspects(report.files, [finding for finding in report.findings if finding not in seen_to], seen_to)


def _files(subject: Subject) -> list[Path]:
    path = subject.file
    if path is None:
        name = subject.words[1]
        for module in (f"bitforbit.experiments.{name}", name):
            try:
                spec = importlib.util.find_spec(module)
            except (ImportError, ValueError):
                continue
            if spec and spec.origin and os.path.isfile(spec.origin):
                return [Path(spec.origin)]
        return []
    return [path, *_beside(path)]


def _beside(path: Path) -> list[Path]:
    """The modules of the file's own folder that it imports by name."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    found = [path.parent / f"{name.replace('.', '/')}.py" for name in dict.fromkeys(names) if name]
    return [file for file in found if file.is_file()]


def _frames(item: Guilty) -> list:
    return [frame for cause in (item.finding.causes if item.finding else []) for frame in cause.frames]


def _stacks(item: Guilty) -> list:
    return [frame for cause in item.finding.causes for event in cause.events for frame in event.stack]


def _lines(frames: list) -> set[tuple[str, int]]:
    return {(frame.file, frame.line) for frame in frames}


def _at(finding: Finding, lines: set) -> bool:
    path = str(Path(finding.path).resolve())
    return any(file == path and finding.line <= line <= (finding.end_line or finding.line) for file, line in lines)

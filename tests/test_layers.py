"""Imports flow one way: commands, report, diagnosis, replicates, training, evidence, policy, kernels."""

import ast
from pathlib import Path

import pytest
from support import PROJECT

PACKAGE = PROJECT / "src" / "bitforbit"
# Lower layers first; a module may import its own layer and those before it.
ORDER = (
    "errors",
    "project",
    "kernels",
    "policy",
    "evidence",
    "audit",
    "datalock",
    "training",
    "datasets",
    "verify",
    "hosts",
    "replicates",
    "diagnosis",
    "doctor",
    "starter",
    "report",
    "commands",
    "cli",
)


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bitforbit"):
            rest = node.module.split(".")[1:]
            names |= {rest[0]} if rest else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("bitforbit.")}
    return names


def test_every_part_of_the_package_has_a_layer():
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert parts - {"__init__", "__main__", "__pycache__", "experiments"} <= set(ORDER)


@pytest.mark.parametrize("layer", ORDER)
def test_a_layer_imports_nothing_above_it(layer):
    files = [PACKAGE / f"{layer}.py"] if (PACKAGE / f"{layer}.py").exists() else sorted((PACKAGE / layer).rglob("*.py"))
    above = set(ORDER[ORDER.index(layer) + 1 :])
    for path in files:
        assert not imported(path) & above, path


def test_the_machinery_never_imports_an_experiment():
    for path in sorted(PACKAGE.rglob("*.py")):
        if "experiments" not in path.parts:
            assert "experiments" not in imported(path), path

"""Slimming took nothing that training needs."""

from pathlib import Path

import pytest

from .conftest import HARDENED, run

pytestmark = pytest.mark.docker

IMPORT_ALL = """
import importlib, importlib.metadata
names = set()
for distribution in importlib.metadata.distributions():
    for file in distribution.files or ():
        top = file.parts[0].removesuffix(".py")
        if (file.name == "__init__.py" and len(file.parts) == 2) or (len(file.parts) == 1 and file.suffix == ".py"):
            names.add(top)
for name in sorted(names - {"_distutils_hack"}):
    importlib.import_module(name)
    print(name)
"""


def test_every_package_imports():
    names = run("-c", IMPORT_ALL, program="python", flags=HARDENED).stdout.split()
    assert {"tensorflow", "keras", "numpy", "scipy", "sklearn", "matplotlib", "h5py", "rich"} <= set(names)


def test_the_whole_stack_works_in_a_hardened_container():
    script = (Path(__file__).parent / "whole_stack.py").read_text()
    assert run("-c", script, program="python", flags=HARDENED).stdout.splitlines()[-1] == "all there"


def test_the_policy_takes():
    done = run("policy", flags=HARDENED)
    assert all(line.startswith(("policy version", "  ")) for line in done.stdout.splitlines())

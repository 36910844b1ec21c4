"""A generator that only `bitforbit run` seeds: which one, the lines that draw from it, and no word where a script seeds it."""

import textwrap

import pytest
from diagnosis import faults

from bitforbit.diagnosis.attribute import suspects
from bitforbit.diagnosis.vary import conditions, generators
from bitforbit.report import diagnosis, tree

PYTHON, NUMPY = "Python's generator", "NumPy's generator"
# As `run` begins, without the seconds that Keras takes to import.
BEGIN = """
import random, types
import numpy as np
def seed_all(seed):
    random.seed(seed)
    np.random.seed(seed)
sys.modules["keras"] = types.SimpleNamespace(utils=types.SimpleNamespace(set_random_seed=seed_all))
from bitforbit.training import seeds
seeds.seed_globals(1, "script")
rows = list(range(20))
"""
# Program; the guilty generators with the lines that draw.
PROGRAMS = {
    "a shuffle": ("random.shuffle(rows)\nvalue = rows", {PYTHON: ["random.shuffle(rows)"]}),
    "NumPy alone is not seeded": (
        "random.seed(3)\nrandom.shuffle(rows)\nvalue = rows, np.random.permutation(9).tolist()",
        {NUMPY: ["np.random.permutation"]},
    ),
    "both, of which one draw comes before its seed": (
        "value = [random.random()]\nrandom.seed(3)\nvalue += [random.random(), np.random.rand()]",
        {PYTHON: ["value = [random.random()]"], NUMPY: ["value += [random"]},
    ),
    "a draw that reaches nothing": ("random.random()\nvalue = rows", {}),
    "all seeded": ("seed_all(5)\nrandom.shuffle(rows)\nvalue = rows, np.random.rand()", {}),
    "seeded with the system's entropy is another fault": ("random.seed()\nvalue = rows", {}),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_only_run_seeds_is_named_with_its_lines(name, tmp_path):
    body, expected = PROGRAMS[name]
    found, runner = faults.diagnose(tmp_path, BEGIN + textwrap.dedent(body), only=(PYTHON, NUMPY))
    assert (found.verdict, found.guilty) == ("reproducible", [])
    shown = {
        item.condition.name: [frame for cause in item.finding.causes for frame in cause.frames] for item in found.host
    }
    assert {key: [frame.line for frame in frames] for key, frames in shown.items()} == {
        key: [faults.line_of(tmp_path, text) for text in texts] for key, texts in expected.items()
    }
    assert set(found.host_free) == {PYTHON, NUMPY} - set(expected)
    linted = suspects.lint(runner.subject)
    lines = tree.text(diagnosis.tree(found, linted, "program", 1.0, len(runner.outcomes), 1))
    for key in expected:
        assert f"seeded by bitforbit run only: {key}: " in lines
    assert ("proven: another seed for this generator alone" in lines) == bool(expected)


def test_only_scripts_have_these_conditions():
    names = {item.name for item in conditions.table()}
    titles = {found.title for found in generators.ALL}
    assert not names & titles
    assert {item.name for item in conditions.table(of_script=True)} - names == titles

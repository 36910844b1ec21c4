"""The linter's findings beside what runs found: the proven line, else all that can explain it, else none."""

import pytest

from bitforbit.diagnosis.attribute import events, suspects
from bitforbit.diagnosis.attribute.found import Diagnosis, Guilty
from bitforbit.diagnosis.attribute.stacks import Event, Frame
from bitforbit.diagnosis.vary import conditions
from bitforbit.diagnosis.vary.change import Change
from bitforbit.diagnosis.vary.subject import Outcome, Subject
from bitforbit.errors import UsageError

SOURCE = """import keras
import numpy as np
import helper

a = np.random.default_rng()
b = np.random.default_rng()
labels = {name: number for number, name in enumerate({"cat", "dog"})}
keras.Sequential([]).fit(a.random(3), b.random(3))
"""
OUTCOME = Outcome("", Change(), "a", "", None, 1.0, "")


def linted(folder, text=SOURCE):
    path = folder / "script.py"
    path.write_text(text)
    (folder / "helper.py").write_text("import os\nfiles = [name for name in os.listdir('.')]\n")
    return suspects.lint(Subject("script", path, ("run",)))


def guilty(name: str, *frames: Frame) -> Guilty:
    (condition,) = (item for item in conditions.table() if item.name == name)
    cause = events.Cause((), "", frames, OUTCOME)
    return Guilty(condition, "", OUTCOME, None, events.Finding([cause], 1, True) if frames else None)


def lines(findings) -> list[tuple[str, int]]:
    return [(finding.code, finding.line) for finding in findings]


def test_modules_beside_the_script_are_read_and_what_the_policy_does_is_no_suspect(tmp_path):
    found = linted(tmp_path)
    assert found.files == 2
    assert {finding.code for finding in found.findings} == {"BFB101", "BFB402", "BFB401"}


def test_the_label_map_from_a_set_is_the_suspect_of_the_hash_seed(tmp_path):
    assert lines(linted(tmp_path).of(guilty("hash seed"))) == [("BFB402", 7)]


def test_without_a_proven_line_every_suspect_is_named_and_with_one_only_that(tmp_path):
    found = linted(tmp_path)
    assert lines(found.of(guilty("entropy"))) == [("BFB101", 5), ("BFB101", 6)]
    frame = Frame(str(tmp_path / "script.py"), 6, "<module>")
    assert lines(found.of(guilty("entropy", frame))) == [("BFB101", 6)]


def test_of_a_proven_set_no_other_set_is_the_suspect_but_one_that_it_was_called_with(tmp_path):
    path = str(tmp_path / "script.py")
    found, inner, outer = (
        linted(tmp_path),
        Frame(str(tmp_path / "helper.py"), 1, "numbered"),
        Frame(path, 7, "<module>"),
    )
    item = guilty("hash seed", inner)
    assert found.of(item) == []
    assert [code for code, _ in lines(found.others(Diagnosis(OUTCOME, host=[item])))] == [
        "BFB101",
        "BFB101",
        "BFB402",
        "BFB401",
    ]
    cause = item.finding.causes[0]._replace(events=(Event("orders", 0, (inner, outer)),))
    assert lines(found.of(item._replace(finding=item.finding._replace(causes=[cause])))) == [("BFB402", 7)]


def test_the_rest_is_what_the_runs_did_not_confirm(tmp_path):
    found = linted(tmp_path)
    diagnosis = Diagnosis(OUTCOME, guilty=[guilty("entropy"), guilty("directory order")])
    assert lines(found.others(diagnosis)) == [("BFB402", 7)]


def test_a_clean_script_has_no_suspect(tmp_path):
    text = "import keras\nkeras.utils.set_random_seed(1)\nkeras.Sequential([]).fit([[1.0]], [[1.0]])\n"
    (tmp_path / "clean.py").write_text(text)
    assert suspects.lint(Subject("clean", tmp_path / "clean.py", ("run",))).findings == []


def test_an_experiment_by_name_is_read_without_importing_it():
    assert suspects.lint(Subject("digits", None, ("train", "digits")))[:2] == (1, [])


def test_what_is_no_python_is_refused_before_any_run(tmp_path):
    with pytest.raises(UsageError, match=r"script\.py: cannot be parsed: .*line 1.*nothing was run"):
        linted(tmp_path, "def broken(:\n")

"""A diagnosis as lines and as a record: the cause, then step, tensor, op and line as compare says them, then the suspects."""

import json
import os

from bitforbit.diagnosis.attribute import events, localize, suspects
from bitforbit.diagnosis.attribute.found import Diagnosis, Guilty
from bitforbit.diagnosis.attribute.stacks import Event, Frame
from bitforbit.diagnosis.compare.difference import Difference, Elements, Op
from bitforbit.diagnosis.lint.rule import Finding
from bitforbit.diagnosis.vary import conditions
from bitforbit.diagnosis.vary.change import Change
from bitforbit.diagnosis.vary.subject import Outcome
from bitforbit.report import diagnosis, tree

A = Outcome("control", Change(), "a" * 64, "", None, 1.0, "run a")
B = Outcome("entropy", Change(), "b" * 64, "", None, 1.0, "run b")
FRAME = Frame("/x/script.py", 4, "<module>")
DIFFERENCE = Difference(
    "gradient", "step", 1, 0, "tiny", "grad/dense/kernel", "dense/kernel", "float32 (2, 4)", "", ("grad/dense/kernel",),
    9, Elements(3, 8, 2, "rounding"), Op("MatMul", "tiny/dense/MatMul", "keras/src/x.py:9", "matmul(a, b)"),
)  # fmt: skip
FINDING = Finding(os.path.abspath("script.py"), 4, 1, "BFB101", "a generator without a seed.", 4)
OTHER = Finding("/x/script.py", 9, 1, "BFB401", "lists files.", 9)


def condition(name: str):
    return next(item for item in conditions.table() if item.name == name)


def found(**changes) -> Diagnosis:
    cause = events.Cause((Event("entropy", 7, (FRAME,)),), "default_rng()", (FRAME,), B)
    guilty = Guilty(condition("entropy"), "unseeded randomness", B, None, events.Finding([cause], 3, True), None,
                    localize.Place(DIFFERENCE))  # fmt: skip
    return Diagnosis(A, B, ["clock"], [guilty], **changes)


def lines(value: Diagnosis, *findings: Finding) -> list[str]:
    return tree.text(diagnosis.tree(value, suspects.Suspects(1, list(findings)), "x", 9, 12, 1)).splitlines()


def test_cause_and_place_and_suspects():
    assert lines(found(observed="moved"), FINDING, OTHER) == [
        "x: DIFFERS",
        "├─ control: aaaaaaaaaaaaaaaa, twice; the plain run leaves another one",
        "├─ entropy: unseeded randomness",
        "│  ├─ default_rng()",
        "│  │  └─ /x/script.py:4 in <module>: ",
        "│  ├─ proven: 1 event decides; changing the other 2 of 3 changes nothing",
        "│  ├─ first difference: epoch 1, step 0, model tiny",
        "│  ├─ kind: gradient: the backward pass",
        "│  ├─ tensor: grad/dense/kernel  float32 (2, 4)",
        "│  ├─ layer path: dense/kernel",
        "│  ├─ elements: 3 of 8 elements differ, by at most 2 ulp: rounding",
        "│  ├─ op: MatMul tiny/dense/MatMul",
        "│  ├─ made at: keras/src/x.py:9  matmul(a, b)",
        "│  ├─ lint: script.py:4: BFB101 a generator without a seed.",
        "│  ├─ next step: seed this generator from the run's seed",
        "│  └─ these two differ",
        "│     ├─ run a",
        "│     └─ run b",
        "├─ reproducible under: clock",
        "├─ lint: nothing that these runs showed to matter",
        "│  └─ lint: /x/script.py:9: BFB401 lists files.",
        "└─ 12 runs in 9 s, variation seed 1",
    ]


def test_a_clean_subject_has_three_lines_under_it():
    assert lines(Diagnosis(A, A, ["entropy", "clock"], observed="same")) == [
        "x: reproducible",
        "├─ control: aaaaaaaaaaaaaaaa, twice; the plain run leaves the same; so does the run with digests",
        "├─ reproducible under: entropy, clock",
        "└─ 12 runs in 9 s, variation seed 1",
    ]


def test_a_race_that_digests_hide():
    race = Diagnosis(A, other=B, unstable="a race", observer="the runs differ without digests", observed="same")
    assert lines(race, OTHER)[:4] == [
        "x: DIFFERS",
        "├─ two runs alike differ: a race",
        "│  ├─ the runs differ without digests",
        "│  └─ these two differ",
    ]


def test_the_record_is_json_and_has_all_of_it():
    record = diagnosis.record(found(observed="moved"), suspects.Suspects(1, [FINDING]), "x", 9, [A, B], 1)
    assert json.dumps(record)
    (cause,) = record["causes"]
    assert cause["localized"]["difference"]["op"]["line"] == "keras/src/x.py:9"
    assert cause["lines"][0]["frames"] == [{"file": "/x/script.py", "line": 4, "function": "<module>", "text": ""}]
    assert [item["code"] for item in cause["lint"]] == ["BFB101"]
    assert (record["observer"], record["lint"]["files"]) == ({"verdict": "moved", "words": ""}, 1)
    assert [run["command"] for run in record["runs"]] == ["run a", "run b"]

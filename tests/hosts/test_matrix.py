"""What `make verify-hosts` makes of a child's lines, with a native child in the emulator's place."""

import json
import sys

import pytest

from bitforbit.hosts import __main__ as driver
from bitforbit.hosts import emulator, matrix, models
from bitforbit.policy import Policy

HOST = models.parse("Haswell@1")
PROOF = {"vendor": "GenuineIntel", "brand": HOST.model.brand, "signature": "306c4", "caches": [], "cores": 1}


@pytest.fixture
def child(monkeypatch):
    """Let the child print `lines` and exit with `code`."""

    def prints(*lines, code=0):
        script = f"import sys; print({chr(10).join(lines)!r}); sys.exit({code})"
        monkeypatch.setattr(emulator, "python", lambda *arguments, shift=0: [sys.executable, "-c", script])

    return prints


def outcomes(*names):
    return [(row.experiment, row.outcome) for row in matrix.run(HOST, list(names), Policy())]


def test_same_needs_the_proof(child):
    child("digits: same, 2 epochs", f"seen by CPUID: {json.dumps(PROOF)}")
    assert outcomes("digits") == [("digits", "same")]
    child("digits: same, 2 epochs", f"seen by CPUID: {json.dumps(PROOF | {'brand': 'the real one'})}")
    assert outcomes("digits") == [
        ("digits", "not proven: expected 'Intel Core Processor (Haswell)', CPUID says 'the real one'")
    ]
    child("digits: same, 2 epochs")
    assert outcomes("digits")[0][1].startswith("not proven")


def test_a_difference_is_told_as_verify_tells_it(child):
    difference = "digits: first difference in epoch 1, conv2d/kernel: 3 of 288 elements differ, by at most 1 ulp"
    child(difference, "sequence: same, 10 epochs", f"seen by CPUID: {json.dumps(PROOF)}", f"  {difference}", code=1)
    assert outcomes("digits", "sequence") == [("digits", difference.partition(": ")[2]), ("sequence", "same")]


def test_a_child_that_cannot_compare(child):
    child("bitforbit verify: cannot compare: the goldens are of policy version 1, this is 2.", code=2)
    ((_, outcome),) = outcomes("digits")
    assert outcome.startswith("no outcome: bitforbit verify: cannot compare")


def test_census_is_judged_by_its_exit_code(child):
    child("census: 600 cases in 3.0 s", "different from census.json: Conv2D/float32",
          f"seen by CPUID: {json.dumps(PROOF)}", code=1)  # fmt: skip
    assert outcomes("census") == [("census", "different from census.json: Conv2D/float32")]


@pytest.mark.parametrize(
    ("lines", "code"),
    [(["digits: same, 2 epochs", "sequence: same, 10 epochs"], 0), (["digits: same, 2 epochs"], 2),
     (["digits: first difference in epoch 0, x", "sequence: same, 10 epochs"], 1)],
)  # fmt: skip
def test_exit_code_is_the_worst_row(child, monkeypatch, lines, code):
    monkeypatch.setattr(emulator, "find", lambda: "")
    child(*lines, f"seen by CPUID: {json.dumps(PROOF)}")
    assert driver.main(["Haswell@1", "--experiments", "digits sequence"]) == code


def test_an_unknown_experiment_is_named(monkeypatch, capsys):
    monkeypatch.setattr(emulator, "find", lambda: "")
    assert driver.main(["Haswell@1", "--experiments", "digit"]) == 2
    assert capsys.readouterr().err.startswith(
        "python -m bitforbit.hosts: unknown experiment 'digit'. Expected: sequence,"
    )

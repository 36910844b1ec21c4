"""Planted faults: each is found at its step, in its tensor, by its name."""

import pytest

from bitforbit.diagnosis.compare import compare

FOUND = [
    ("base", "minus-zero", ("data", 1, 1, "batch/x")),
    ("base", "permuted", ("data", 1, 1, "batch/x")),
    ("base", "two-flips", ("data", 1, 2, "batch/x")),
    ("base", "one-byte", ("data", 1, 0, "batch/x")),
    ("base", "dropout-seed", ("init", 0, 0, "seed/dropout/seed_generator/seed_generator_state")),
    ("order", "other-order", ("init", 0, 0, "weight/first/kernel")),
    ("sum", "sum-unordered", ("forward", 1, 2, "act/atomics/unordered")),
    ("base", "resumed-badly", ("init", 2, 3, "seed/dropout/seed_generator/seed_generator_state")),
]


@pytest.mark.parametrize(("a", "b", "expected"), FOUND, ids=[b for _, b, _ in FOUND])
def test_a_fault_is_named(trainings, a, b, expected):
    found = compare(trainings[0] / a, trainings[0] / b, zoom=False)
    assert (found.kind, found.epoch, found.step, found.site.replace("dropout/", "", 1)) == (
        *expected[:3], expected[3].replace("dropout/", "", 1),
    )  # fmt: skip


def test_a_permuted_batch_spares_nothing_but_what_order_cannot_touch(trainings):
    found = compare(trainings[0] / "base", trainings[0] / "permuted", zoom=False)
    assert found.differing[0] == "batch/x"
    assert "batch/y" not in found.differing


def test_a_run_resumed_with_its_whole_state_is_the_same(trainings):
    assert compare(trainings[0] / "base", trainings[0] / "resumed", zoom=False) is None


def test_a_resumed_state_is_called_one(trainings):
    found = compare(trainings[0] / "base", trainings[0] / "resumed-badly", zoom=False)
    assert found.summary == "the state that a fit was resumed with"


def test_nothing_recorded_differs_is_a_cause_too(trainings):
    found = compare(trainings[0] / "sum", trainings[0] / "sum-unordered", zoom=False)
    (cause,) = found.causes
    assert cause.name == "nothing recorded differs"
    assert cause.why.startswith("a race")


def test_a_trace_is_the_same_as_itself(trainings):
    assert compare(trainings[0] / "base", trainings[0] / "base") is None

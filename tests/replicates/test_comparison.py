"""Comparisons of configurations: the design, what diverged, several, looks, refusals."""

import numpy as np
import pytest

from bitforbit.errors import EvidenceError, UsageError
from bitforbit.replicates import collect
from bitforbit.replicates.statistics.comparison import Configuration, compare
from bitforbit.replicates.statistics.goal import Goal

from . import made

ACCURACY, ERROR = Goal("accuracy", True), Goal("accuracy", False)
NOISE = np.random.Generator(np.random.PCG64(1)).normal(0, 0.01, 60)


def side(name, shift, n=30, **changes):
    own = {"A": NOISE, "B": NOISE * 1.01, "C": NOISE * 0.98}[name]
    runs = made.configuration([0.9 + shift + float(x) for x in own[:n]], key=name.lower() * 64)
    for run in runs:
        run.result.update(changes)
    return Configuration(name, runs)


def test_equal_seed_lists_are_paired():
    (found,) = compare([side("A", 0.002), side("B", 0.0)], ACCURACY)["comparisons"]
    assert found["design"] == "paired by seed"
    assert found["difference"] == pytest.approx(0.002 - 0.01 * NOISE[:30].mean(), rel=1e-9)
    assert found["correlation"] == pytest.approx(1, rel=1e-12)
    assert (found["n"], found["probability"], found["verdict"]) == ([30, 30], 1, "significant and meaningful")
    assert found["p"] < 1e-30
    assert found["p_free"] == 1 / 10_000


def test_other_lists_are_independent_even_if_they_overlap():
    (found,) = compare([side("A", 0.002), side("B", 0.0, n=29)], ACCURACY)["comparisons"]
    assert found["design"] == "independent seeds"
    assert found["verdict"] == "not significant"
    assert found["p"] > 0.3
    assert "correlation" not in found


def test_the_direction_turns_the_probability_and_not_the_difference():
    (up,) = compare([side("A", 0.002), side("B", 0.0)], ACCURACY)["comparisons"]
    (down,) = compare([side("A", 0.002), side("B", 0.0)], ERROR)["comparisons"]
    assert (up["probability"], down["probability"]) == (1, 0)
    assert up["difference"] == down["difference"]
    assert down["verdict"] == "significant and meaningful"


def test_a_diverged_run_loses():
    a, b = side("A", 0.0), side("B", 0.002)
    for seed in range(20):
        b.replicates[seed] = made.replicate(seed, collect.DIVERGED, key="b" * 64)
    for runs in (a.replicates, b.replicates):
        runs[25] = made.replicate(25, collect.FAILED)
    document = compare([a, b], ACCURACY)
    (found,) = document["comparisons"]
    assert found["n"] == [9, 9]
    assert found["probability"] == 20 / 29
    assert found["difference"] == pytest.approx(-0.002, rel=0.1)
    assert document["configurations"][1]["counts"] == {"finished": 9, "diverged": 20, "failed": 1, "missing": 0}


def test_several_share_the_level():
    sides = [side("A", 0.0), side("B", 0.0001), side("C", 0.004)]
    document = compare(sides, ACCURACY)
    assert [(one["a"], one["b"]) for one in document["comparisons"]] == [("A", "B"), ("A", "C")]
    for one in document["comparisons"]:
        assert one["confidence"] == 0.975
        assert one["p_holm"] >= one["p"]


def test_looks_stop_at_the_first_that_decides():
    document = compare([side("A", 0.002), side("B", 0.0)], ACCURACY, [10, 20, 30, 50])
    assert document["comparisons"][0]["look"] == 20
    assert document["comparisons"][0]["n"] == [20, 20]
    assert [row["seeds"] for row in document["looks"]] == [10, 20, 30, 50]
    undecided = compare([side("A", 0.0, n=15), side("B", 0.0, n=14)], ACCURACY, [10, 20])
    assert undecided["comparisons"][0]["look"] == 10
    with pytest.raises(UsageError, match="expected at least 20 seeds of each for the first look, found 14 of A and B"):
        compare([side("A", 0.0, n=15), side("B", 0.0, n=14)], ACCURACY, [20, 30])


def test_what_differs_is_told():
    b = side("B", 0.0, config={"epochs": 1, "rate": 0.2}, source="t")
    (found,) = compare([side("A", 0.0), b], ACCURACY)["comparisons"]
    assert found["differs_in"] == [["rate", 0.1, 0.2], ["source", "s", "t"]]


@pytest.mark.parametrize(
    ("sides", "goal", "error", "message"),
    [
        ([side("A", 0, n=4), side("B", 0)], ACCURACY, UsageError, "expected at least 5 finished replicates of A, found 4"),
        ([side("A", 0), side("A", 0)], ACCURACY, UsageError, "found A and A to be aaaaaaaaaaaa both"),
        ([side("A", 0), side("B", 0)], Goal("auc", True), UsageError, "unknown metric 'auc' in A. Its metrics: accuracy"),
        (
            [side("A", 0), side("B", 0, host_class="unpinned")],
            ACCURACY,
            EvidenceError,
            "of one host class, found cpu-x86-64-v3 (A), unpinned (B)",
        ),
    ],
)  # fmt: skip
def test_refusals(sides, goal, error, message):
    with pytest.raises(error) as raised:
        compare(sides, goal)
    assert message in str(raised.value)

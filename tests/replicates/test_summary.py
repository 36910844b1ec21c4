"""The statistics file of one configuration: what it counts, what it says, its digest."""

import hashlib
import random

import pytest

from bitforbit.errors import EvidenceError, UsageError
from bitforbit.replicates import collect
from bitforbit.replicates.statistics import goal, summary

from . import made

VALUES = [0.90, 0.92, 0.94, 0.91, 0.93]
MIXED = [
    *made.configuration(VALUES),
    made.replicate(5, collect.DIVERGED, "diverged after epoch 3"),
    made.replicate(6, collect.FAILED, "out of memory"),
    made.replicate(7, collect.MISSING),
]


def test_by_hand():
    found = summary.describe(MIXED)["metrics"]["accuracy"]
    assert found["n"] == 5
    assert found["mean"] == pytest.approx(0.92, rel=1e-15)
    assert found["deviation"] == pytest.approx((0.001 / 4) ** 0.5, rel=1e-12)
    # t of 4 degrees of freedom at 97.5 %: 2.776 in every table.
    assert found["mean_interval"] == pytest.approx([0.92 - 2.776 * 0.0070711, 0.92 + 2.776 * 0.0070711], abs=1e-5)
    assert found["next_run_interval"] == pytest.approx([0.92 - 2.776 * 0.0173205, 0.92 + 2.776 * 0.0173205], abs=1e-5)
    assert found["median"] == 0.92
    assert found["median_interval"] is None
    assert [row[0] for row in found["standard_errors"]] == [2, 3, 4, 5]
    assert found["standard_errors"][0][1] == pytest.approx(0.01, rel=1e-12)
    assert found["seeds_needed"] == [
        {"difference": "0.5 SD", "independent": 64},
        {"difference": "1 SD", "independent": 17},
    ]


def test_nothing_is_dropped_in_silence():
    document = summary.describe(MIXED)
    assert document["counts"] == {"finished": 5, "diverged": 1, "failed": 1, "missing": 1}
    assert [row["status"] for row in document["replicates"]] == ["finished"] * 5 + ["diverged", "failed", "missing"]
    assert document["seeds"] == "0-7"


def test_the_digest_is_that_of_the_file_and_free_of_order(tmp_path):
    digests = set()
    for number in range(6):
        shuffled = random.Random(number).sample(MIXED, len(MIXED))
        digests.add(summary.write(tmp_path, summary.describe(shuffled)))
    assert digests == {hashlib.sha256((tmp_path / "statistics.json").read_bytes()).hexdigest()}
    assert [path.name for path in tmp_path.iterdir()] == ["statistics.json"]


def test_one_bit_of_one_metric_moves_the_digest(tmp_path):
    one = summary.write(tmp_path, summary.describe(made.configuration(VALUES)))
    assert one != summary.write(tmp_path, summary.describe(made.configuration([*VALUES[:4], 0.9300000000000002])))


def test_a_stated_difference():
    document = summary.describe(MIXED, {"accuracy": 0.02})
    assert document["metrics"]["accuracy"]["seeds_needed"][-1]["difference"] == "0.02"
    # s = 0.0158 = 0.79 of 0.02: Cohen's d is 1.265, and tables of two-sided t tests give 11 in each group.
    assert document["metrics"]["accuracy"]["seeds_needed"][-1]["independent"] == 11
    with pytest.raises(UsageError, match="unknown metric 'loss' of --difference. Its metrics: accuracy"):
        summary.describe(MIXED, {"loss": 0.02})
    with pytest.raises(UsageError, match="expected a difference above 0, received -1"):
        summary.describe(MIXED, {"accuracy": -1.0})


def test_one_run_has_no_spread_and_equal_runs_have_none():
    assert "deviation" not in summary.of_values([0.5], "label")
    equal = summary.of_values([0.5] * 25, "label")
    assert (equal["deviation"], equal["mean_interval"]) == (0, [0.5, 0.5])
    assert equal["seeds_needed"] == []


def test_none_finished_is_an_error():
    with pytest.raises(EvidenceError, match="expected at least one finished replicate, found 1 diverged, 1 missing"):
        summary.describe([made.replicate(0, collect.DIVERGED), made.replicate(1, collect.MISSING)])


def test_a_difference_as_a_person_writes_it():
    assert goal.difference("0.005", {"metric": "accuracy"}) == {"accuracy": 0.005}
    assert goal.difference("loss=2e-2", None) == {"loss": 0.02}
    for text in ("0", "-1", "x", "inf", "nan", "loss="):
        with pytest.raises(UsageError, match="expected a difference above 0, as 0.005 or loss=0.02, received"):
            goal.difference(text, {"metric": "accuracy"})
    with pytest.raises(UsageError, match="Next step: --difference NAME=0.1"):
        goal.difference("0.1", None)


def test_the_direction_is_never_guessed():
    digits = {"metric": "accuracy", "at_least": 0.965}
    assert goal.choose(digits) == ("accuracy", True)
    assert goal.choose({"metric": "error", "at_most": 1}) == ("error", False)
    assert goal.choose(digits, "loss") == ("loss", False)
    assert goal.choose(None, "auc", higher=True) == ("auc", True)
    with pytest.raises(UsageError, match="which way auc is better. Next step: --higher-is-better or --lower-is-better"):
        goal.choose(digits, "auc")
    with pytest.raises(UsageError, match="expected a metric, found none"):
        goal.choose(None)

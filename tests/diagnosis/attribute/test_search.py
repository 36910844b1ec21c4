"""Halving: all guilty items are found, and the runs are few."""

import itertools

import pytest

from bitforbit.diagnosis.attribute import search


def counted(bad: set[int]):
    asked = []

    def differs(items) -> bool:
        asked.append(tuple(items))
        return bool(bad & set(items))

    return differs, asked


@pytest.mark.parametrize("bad", [set(c) for n in range(4) for c in itertools.combinations(range(7), n)])
def test_all_guilty_items_are_found_the_last_first(bad):
    differs, _ = counted(bad)
    assert search.guilty(range(7), differs) == sorted(bad, reverse=True)


def test_nothing_guilty_takes_one_run():
    differs, asked = counted(set())
    assert search.guilty(range(1000), differs) == []
    assert asked == [tuple(range(1000))]


def test_one_of_a_thousand_takes_twelve_runs():
    differs, asked = counted({123})
    assert search.guilty(range(1000), differs) == [123]
    assert len(asked) == 12


def test_a_likely_one_is_tried_first():
    differs, asked = counted({999})
    assert search.guilty(range(1000), differs, split=999, known=True) == [999]
    assert asked == [(999,), tuple(range(999))]

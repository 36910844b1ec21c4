"""Lists of seeds: read, refused, spelled back."""

import pytest

from bitforbit.errors import UsageError
from bitforbit.replicates import seedlist


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("7", [7]), ("0-3", [0, 1, 2, 3]), ("9, 2-4,0", [0, 2, 3, 4, 9]), (f"{2**64 - 1}", [2**64 - 1])],
)
def test_a_list_is_read_in_ascending_order(text, seeds):
    assert seedlist.parse(text) == seeds
    assert seedlist.parse(seedlist.spell(seeds)) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected seeds as 0-29 or 0-9,20, received '' in ''. Next step: --seeds 0-29"),
        ("1,,2", "expected seeds as 0-29 or 0-9,20, received '' in '1,,2'. Next step: --seeds 0-29"),
        ("-1", "expected seeds as 0-29 or 0-9,20, received '-1' in '-1'. Next step: --seeds 0-29"),
        ("1-2-3", "expected seeds as 0-29 or 0-9,20, received '1-2-3' in '1-2-3'. Next step: --seeds 0-29"),
        ("one", "expected seeds as 0-29 or 0-9,20, received 'one' in 'one'. Next step: --seeds 0-29"),
        (f"{2**64}", f"expected seeds as 0-29 or 0-9,20, received '{2**64}' in '{2**64}'. Next step: --seeds 0-29"),
        ("3-1", "expected a range that ascends, received '3-1'. Next step: 1-3"),
        ("0-4,2", "expected each seed once, received 2 twice in '0-4,2'. Next step: --seeds LIST without it"),
        ("0-10000", "expected at most 10000 seeds, received '0-10000'. Next step: several calls"),
        ("0-1000000000000", "expected at most 10000 seeds, received '0-1000000000000'. Next step: several calls"),
    ],
)
def test_a_mistake_is_named(text, message):
    with pytest.raises(UsageError) as caught:
        seedlist.parse(text)
    assert str(caught.value) == message


def test_runs_of_seeds_are_spelled_short():
    assert seedlist.spell([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8"
    assert seedlist.spell([]) == ""

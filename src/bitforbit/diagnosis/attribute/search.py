"""Find, by halving, every item whose change makes the difference; what is left is then proven to make none."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def guilty(
    items: Sequence[Item], differs: Callable[[Sequence[Item]], bool], split: int = 0, known: bool = False
) -> list[Item]:
    """Return the guilty items, the last one first.

    With all items from some place on changed, the result differs; with none, it does not: so a binary search finds an
    item whose change alone tips it. That item and all after it go back to the control, and the search goes on below,
    until changing everything that is left changes nothing: about log2(n) + 1 runs for each guilty item, and one run
    where there is none.

    Args:
        items: in any order; put likely ones last.
        differs: whether the result differs from the control's when exactly these items are changed.
        split: the likely ones start here; tried first.
        known: all of them changed together were already seen to differ.
    """
    rest, found = list(items), []
    while rest and (known or differs(rest)):
        known = False
        low, high = 0, len(rest)
        while high - low > 1:
            middle = split if low < split < high else (low + high) // 2
            if differs(rest[middle:]):
                low = middle
            else:
                high = middle
        found.append(rest[low])
        rest = rest[:low]
    return found

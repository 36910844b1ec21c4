"""Lists of seeds as a person writes them, `0-29` or `0-9,20,30-39`, always in ascending order."""

import itertools

from bitforbit.errors import UsageError
from bitforbit.training import seeds

MOST = 10_000


def parse(text: str) -> list[int]:
    """Return the seeds that `text` names, ascending.

    Seeds are never drawn or picked: a stop rule over them would otherwise pick results.

    Raises:
        UsageError: a part is neither a seed nor a range `first-last`, a seed stands twice, or there are more than
            10,000.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not _is_seed(first) or (dash and not _is_seed(last)):
            raise UsageError(
                f"expected seeds as 0-29 or 0-9,20, received {part.strip()!r} in {text!r}. Next step: --seeds 0-29"
            )
        begin, end = int(first), int(last or first)
        if end < begin:
            raise UsageError(f"expected a range that ascends, received {part.strip()!r}. Next step: {end}-{begin}")
        if end - begin >= MOST or len(found) + end - begin >= MOST:
            raise UsageError(f"expected at most {MOST} seeds, received {text!r}. Next step: several calls")
        found += range(begin, end + 1)
    found.sort()
    for one, two in itertools.pairwise(found):
        if one == two:
            raise UsageError(
                f"expected each seed once, received {one} twice in {text!r}. Next step: --seeds LIST without it"
            )
    return found


def spell(numbers: list[int]) -> str:
    """Return the shortest text that `parse` reads back to the same ascending seeds: `0-9,20`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(f"{a}-{b}" if a < b else f"{a}" for a, b in parts)


def _is_seed(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) <= seeds.LARGEST

"""Which metric counts, and which way is better: always said, never guessed from a name."""

import math
from typing import NamedTuple

from bitforbit.errors import UsageError

HIGHER, LOWER = "higher is better", "lower is better"


class Goal(NamedTuple):
    """A metric and its direction.

    Attributes:
        metric: its name in `result.json`.
        higher: whether a higher value is better.
    """

    metric: str
    higher: bool

    @property
    def direction(self) -> str:
        return HIGHER if self.higher else LOWER


def expected(module) -> dict | None:
    """Return an experiment's `EXPECTED`: `{"metric": ..., "at_least": ...}` or `at_most`; `None` where it has none."""
    return getattr(module, "EXPECTED", None)


def difference(text: str, declared: dict | None) -> dict[str, float]:
    """Return metric and difference of means that `text` states: `0.005` of the experiment's own metric, or `loss=0.02`.

    Raises:
        UsageError: it is no number above 0, or names no metric where the experiment has no `EXPECTED`.
    """
    name, given, amount = text.rpartition("=")
    metric = name if given else (declared["metric"] if declared else "")
    try:
        value = float(amount)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UsageError(f"expected a difference above 0, as 0.005 or loss=0.02, received {text!r}")
    if not metric:
        raise UsageError(f"expected the metric of the difference {text}. Next step: --difference NAME={text}")
    return {metric: value}


def choose(declared: dict | None, metric: str | None = None, higher: bool | None = None) -> Goal:
    """Return the goal that options name, else the experiment's own.

    The loss that a network was trained to minimise is the one metric whose direction needs no word.

    Args:
        declared: the experiment's `EXPECTED`, or `None`.
        metric: the user's choice.
        higher: the user's word on the direction.

    Raises:
        UsageError: no metric, or no direction, was named by anybody.
    """
    metric = metric or (declared["metric"] if declared else None)
    if metric is None:
        raise UsageError(
            "expected a metric, found none: the experiment has no EXPECTED. Next step: --metric NAME, and"
            " --higher-is-better or --lower-is-better"
        )
    if higher is None and declared and declared["metric"] == metric:
        higher = "at_least" in declared
    if higher is None and metric == "loss":
        higher = False
    if higher is None:
        raise UsageError(
            f"expected to be told which way {metric} is better. Next step: --higher-is-better or --lower-is-better"
        )
    return Goal(metric, higher)

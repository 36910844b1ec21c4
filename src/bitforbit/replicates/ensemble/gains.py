"""What an ensemble gains over one member, and how many members are enough.

For a squared error, members that differ by seed alone give error(M) = error(infinity) + V / M, where V is the variance
across seeds; two ensembles built from different seeds differ by sqrt(2 V / M) root mean square. So M = ceil(2 V / t^2)
members keep that below t. For probabilities the squared error against the true class is the Brier score.
"""

import math
from collections.abc import Sequence

import numpy as np

from bitforbit.replicates.ensemble import formula

SHOWN = (1, 2, 3, 5, 10, 20, 30, 50)


def variance(predictions: np.ndarray) -> float:
    """Return V: the variance over members, summed over outputs, averaged over examples.

    Args:
        predictions: float32 array of shape `(members, examples, outputs)`, at least two members.
    """
    centre = _mean(predictions)
    squares = sum(_square(member - centre) for member in predictions.astype(np.float64))
    return math.fsum(squares.ravel()) / (len(predictions) - 1) / predictions.shape[1]


def error(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean over examples of the squared distance; both of shape `(examples, outputs)`."""
    return math.fsum(_square(prediction.astype(np.float64) - truth).ravel()) / len(truth)


def disagreement(one: np.ndarray, two: np.ndarray) -> float:
    """Return the root mean square distance of two predictions of shape `(examples, outputs)`."""
    return math.sqrt(error(one, two.astype(np.float64)))


def churn(one: np.ndarray, two: np.ndarray, kind: str) -> float:
    """Return the share of examples that two predictions put into different classes."""
    return int(np.count_nonzero(_classes(one, kind) != _classes(two, kind))) / len(one)


def truth(labels, outputs: int, kind: str | None) -> np.ndarray | None:
    """Return labels as float64 of shape `(examples, outputs)`; `None` where they are not of that form."""
    labels = np.asarray(labels)
    if kind == formula.CATEGORICAL and (labels.ndim == 1 or labels.shape[1:] == (1,)):
        return np.eye(outputs)[labels.reshape(-1).astype(np.int64)]
    labels = labels.reshape(len(labels), -1).astype(np.float64)
    return labels if labels.shape[1] == outputs else None


def members_needed(spread: float, tolerance: float) -> int:
    """Return how many members keep two builds within `tolerance` of each other, root mean square."""
    return max(1, math.ceil(2 * spread / (tolerance * tolerance)))


def rows(count: int, spread: float, last_error: float | None, errors: Sequence[float] | None) -> list[dict]:
    """Return one row for each shown number of members: predicted and measured error, disagreement of two builds."""
    table = []
    for members in sorted({*(m for m in SHOWN if m <= count), count}):
        row = {"members": members, "disagreement": math.sqrt(2 * spread / members)}
        if last_error is not None:
            row |= {
                "predicted_error": last_error + spread * (1 / members - 1 / count),
                "error": errors[members - 1],
            }
        table.append(row)
    return table


def builds(predictions: np.ndarray, kind: str | None) -> dict:
    """Return how far single members and two half-size ensembles of different seeds differ, measured."""
    half = len(predictions) // 2
    found = {"members": half, "pairs": half}
    singles = list(zip(predictions[0::2], predictions[1::2], strict=False))
    halves = [(predictions[0::2][:half]), (predictions[1::2][:half])]
    one, two = (_mean(part) for part in halves)
    found["single_disagreement"] = math.sqrt(math.fsum(error(a, b.astype(np.float64)) for a, b in singles) / half)
    found["disagreement"] = disagreement(one, two)
    if kind:
        found["single_churn"] = math.fsum(churn(a, b, kind) for a, b in singles) / half
        found["churn"] = churn(one, two, kind)
    return found


def _classes(prediction: np.ndarray, kind: str) -> np.ndarray:
    return prediction > 0.5 if kind == formula.BINARY else prediction.argmax(axis=-1)


def _square(values: np.ndarray) -> np.ndarray:
    return values * values


def _mean(predictions: np.ndarray) -> np.ndarray:
    """Return the mean over members, added one by one in float64, so in one order on every CPU."""
    total = np.zeros(predictions.shape[1:])
    for member in predictions:
        total += member
    return total / len(predictions)

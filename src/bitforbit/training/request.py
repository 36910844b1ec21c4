"""What a training is asked to do, and who hears of its progress."""

from pathlib import Path
from typing import NamedTuple, Protocol

from bitforbit.policy import Policy
from bitforbit.training.experiment import Experiment


class Request(NamedTuple):
    """What to train.

    Attributes:
        experiment: a loaded experiment.
        config: its frozen config.
        seed: 0 to 2^64 - 1.
        policy: what is pinned.
        root: folder of all runs.
        strict: refuse where a knob did not take.
        force: train even where the run is there already.
    """

    experiment: Experiment
    config: object
    seed: int
    policy: Policy
    root: Path
    strict: bool = True
    force: bool = False


class Report(Protocol):
    """Hears of a run's progress."""

    def begin(self) -> None:
        """Called once, when training is really to happen."""

    def __call__(self, epoch: int, logs: dict) -> None:
        """Called after each epoch, counted from 1."""


class Silent:
    """A report that nobody reads."""

    def begin(self) -> None:
        pass

    def __call__(self, epoch: int, logs: dict) -> None:
        pass

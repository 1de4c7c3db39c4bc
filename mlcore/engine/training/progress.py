"""What a training run tells while it runs, and how it is asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlcore.engine.errors import EngineError


@dataclass(frozen=True)
class TrainingProgress:
    """Where a training run stands."""

    epoch: int
    """From 1; 0 while the run is being prepared."""
    epochs: int
    step: int
    steps: int
    loss: float | None
    auroc: float | None
    """Of the last finished epoch on the validation fold, the mean over conditions."""
    seconds_left: float | None


OnProgress = Callable[[TrainingProgress], None]
ShouldStop = Callable[[], bool]


class TrainingStopped(EngineError):
    """The run was asked to stop; the checkpoint is where it goes on."""

    code = "training_stopped"
    mend = "Start it again to go on from its checkpoint."


def say_nothing(progress: TrainingProgress) -> None:
    """Default listener."""


def never_stop() -> bool:
    """Default answer to whether the run should stop."""
    return False

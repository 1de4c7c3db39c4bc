"""Trainers by architecture name: one interface, whatever it is that learns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mlcore.engine.networks.registry import find_network
from mlcore.engine.training.data import TrainingData
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.training.progress import OnProgress, ShouldStop, never_stop, say_nothing


@dataclass(frozen=True)
class TrainedNetwork:
    """What came out of a run: the model with its best weights, and how it got there."""

    model: Any
    """A Keras graph, or a VisualWords."""
    plan: TrainingPlan
    best_epoch: int
    history: list[dict[str, float]] = field(default_factory=list)
    initial_weights: str = "scratch"
    """Where the run started from: `imagenet` or `scratch`."""


class Trainer(Protocol):
    """Fits one architecture."""

    def train(
        self,
        data: TrainingData,
        *,
        plan: TrainingPlan,
        checkpoint: Path | None = None,
        on_progress: OnProgress = say_nothing,
        should_stop: ShouldStop = never_stop,
    ) -> TrainedNetwork: ...


def find_trainer(architecture: str, *, processes: int = 0) -> Trainer:
    """The trainer of an architecture; raise UnknownArchitecture when there is none of that name.

    `processes` change pictures beside the learning, where that is by gradient descent.
    """
    from mlcore.engine.training.gradient import GradientTrainer
    from mlcore.engine.training.visual_words import VisualWordsTrainer

    network = find_network(architecture)
    if not network.is_graph:
        return VisualWordsTrainer(network=network)
    return GradientTrainer(network=network, processes=processes)

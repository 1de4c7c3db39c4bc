"""The settings of a training run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from mlcore.engine.imaging.augment import Augmentation
from mlcore.engine.imaging.preprocess import Preprocessing


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that decides how a network comes out, besides the data."""

    architecture: str
    classes: tuple[str, ...]
    epochs: int = 10
    """0 fits the head alone, on a backbone that stays as it starts."""
    stop_after: int = 0
    """Epochs after which the run ends although its schedule goes on; 0: none."""
    batch_size: int = 32
    learning_rate: float = 3e-4
    warm_up: float = 0.1
    """Part of all steps over which the learning rate rises."""
    weight_decay: float = 1e-4
    label_smoothing: float = 0.05
    dropout: float = 0.3
    average: float = 0.995
    """Decay of the running mean of weights, which is the network that is kept."""
    patience: int = 4
    """Epochs without a better validation before the run ends early."""
    seed: int = 7
    pretrained: bool = True
    soft: float = 0.0
    """Part of the loss that follows the probabilities of teachers; the rest follows the labels."""
    planted: str = ""
    """Condition that opacities, planted into pictures that have nothing, count as; empty: none are."""
    planted_share: float = 0.25
    """Of the pictures that have nothing, in each epoch others."""
    probe: bool = True
    """Fit the head alone, before any other weight moves."""
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    augmentation: Augmentation = field(default_factory=Augmentation)

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        return asdict(self)

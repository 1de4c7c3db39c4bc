"""What a step of training minimizes, and by how much it moves."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mlcore.engine.training.checkpoint import Arrays
from mlcore.engine.training.data import LabelledPictures
from mlcore.engine.training.descent import make_descent
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.types import FloatArray

Losses = Callable[[Any, Any], Any]
"""(labels, logits) to a loss of each label."""

CLIP = 1.0
"""Longest gradient over all weights."""


def class_weights(labels: FloatArray) -> FloatArray:
    """(2, classes): weights of absent and present that make both count alike."""
    known = np.isfinite(labels).sum(axis=0)
    present = np.nansum(labels, axis=0)
    counts = np.maximum(np.stack([known - present, present]), 1.0)
    return np.asarray(np.where(known > 0, known / (2.0 * counts), 1.0), np.float32)


def learning_rate(step: int, *, total: int, plan: TrainingPlan) -> float:
    """Linear rise, then half a cosine down to nothing."""
    rise = max(1, int(total * plan.warm_up))
    if step < rise:
        return plan.learning_rate * (step + 1) / rise
    return plan.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, total - rise)))


class TrainingStep:
    """Holds the optimizer, the loss and the count of steps."""

    def __init__(
        self,
        model: Any,
        *,
        plan: TrainingPlan,
        total: int,
        data: LabelledPictures,
        losses: Losses | None = None,
    ) -> None:
        import keras

        self.plan, self.total, self.count = plan, total, 0
        self.losses = losses or self._cross_entropy
        self.weights = class_weights(data.labels)
        optimizer = keras.optimizers.AdamW(
            plan.learning_rate, weight_decay=plan.weight_decay, global_clipnorm=CLIP
        )
        optimizer.build(model.trainable_variables)
        self.descent = make_descent(model, optimizer, loss=self._loss)

    def _loss(self, logits: Any, labels: Any, soft: Any) -> Any:
        """Weighted loss over the labels that are known, mixed with how far teachers are missed."""
        from keras import ops

        known = ops.cast(ops.isfinite(labels), "float32")
        target = ops.where(known > 0.5, labels, 0.0)
        weight = ops.where(target > 0.5, self.weights[1], self.weights[0]) * known
        count = ops.maximum(ops.sum(known), 1.0)
        own = ops.sum(self.losses(target, logits) * weight) / count
        if not self.plan.soft:
            return own
        taught = ops.mean(ops.binary_crossentropy(soft, logits, from_logits=True))
        return self.plan.soft * taught + (1.0 - self.plan.soft) * own

    def _cross_entropy(self, labels: Any, logits: Any) -> Any:
        from keras import ops

        smooth = labels * (1 - self.plan.label_smoothing) + self.plan.label_smoothing / 2
        return ops.binary_crossentropy(smooth, logits, from_logits=True)

    def learn(self, inputs: FloatArray, labels: FloatArray, soft: FloatArray | None = None) -> Any:
        """Take one step and return its loss; `soft` are the probabilities that teachers give."""
        rate = learning_rate(self.count, total=self.total, plan=self.plan)
        decay = min(self.plan.average, (1 + self.count) / (10 + self.count))
        self.count += 1
        taught = labels if soft is None else soft
        return self.descent.learn(inputs, labels, taught, rate=rate, decay=decay)

    def learned(self) -> Arrays:
        """The weights as they are, in the model's order."""
        return self.descent.learned()

    def averaged(self) -> Arrays:
        """The running mean of the weights, in the model's order."""
        return self.descent.averaged()

    def arrays(self) -> dict[str, Arrays]:
        """What `restore` needs."""
        return {
            "weights": self.learned(),
            "average": self.averaged(),
            "optimizer": self.descent.optimizer_state(),
            "count": [np.asarray(self.count)],
        }

    def restore(self, arrays: dict[str, Arrays]) -> None:
        """Go on from what `arrays` returned."""
        self.count = int(arrays["count"][0])
        self.descent.restore(
            weights=arrays["weights"], average=arrays["average"], optimizer=arrays["optimizer"]
        )

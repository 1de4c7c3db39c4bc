"""One step of gradient descent, traced."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mlcore.engine.training.checkpoint import Arrays
from mlcore.engine.training.data import LabelledPictures
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
    """Holds the optimizer and the running mean of weights."""

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
        import tensorflow as tf

        self.model, self.plan, self.total, self.count = model, plan, total, 0
        self.losses = losses or self._cross_entropy
        self.optimizer = keras.optimizers.AdamW(
            plan.learning_rate, weight_decay=plan.weight_decay, global_clipnorm=CLIP
        )
        self.optimizer.build(model.trainable_variables)
        self.average = [tf.Variable(w) for w in model.get_weights()]
        self.weights = tf.constant(class_weights(data.labels))
        self._learn = self._trace()

    def _trace(self) -> Any:
        import tensorflow as tf

        side = self.plan.preprocessing.input_size
        signature = [
            tf.TensorSpec((None, side, side, 1), tf.float32),
            tf.TensorSpec((None, len(self.plan.classes)), tf.float32),
            tf.TensorSpec((), tf.float32),
        ]

        @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
        def learn(inputs: Any, labels: Any, decay: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = self._loss(self.model(inputs, training=True)["logits"], labels)
            gradients = tape.gradient(loss, self.model.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.model.trainable_variables, strict=True))
            for mean, weight in zip(self.average, self.model.weights, strict=True):
                mean.assign(decay * mean + (1.0 - decay) * weight)
            return loss

        return learn

    def _loss(self, logits: Any, labels: Any) -> Any:
        """Weighted loss over the labels that are known."""
        import tensorflow as tf

        known = tf.math.is_finite(labels)
        target = tf.where(known, labels, 0.0)
        weight = tf.where(target > 0.5, self.weights[1], self.weights[0]) * tf.cast(known, tf.float32)
        losses = self.losses(target, logits)
        return tf.reduce_sum(losses * weight) / tf.maximum(tf.reduce_sum(tf.cast(known, tf.float32)), 1.0)

    def _cross_entropy(self, labels: Any, logits: Any) -> Any:
        import tensorflow as tf

        smooth = labels * (1 - self.plan.label_smoothing) + self.plan.label_smoothing / 2
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=smooth, logits=logits)

    def learn(self, inputs: FloatArray, labels: FloatArray) -> float:
        """Take one step and return its loss."""
        self.optimizer.learning_rate.assign(learning_rate(self.count, total=self.total, plan=self.plan))
        decay = min(self.plan.average, (1 + self.count) / (10 + self.count))
        self.count += 1
        return float(self._learn(inputs, labels, np.float32(decay)))

    def averaged(self) -> Arrays:
        """The running mean of the weights, in the model's order."""
        return [mean.numpy() for mean in self.average]

    def arrays(self) -> dict[str, Arrays]:
        """What `restore` needs."""
        return {
            "average": self.averaged(),
            "optimizer": [np.asarray(v) for v in self.optimizer.variables],
            "count": [np.asarray(self.count)],
        }

    def restore(self, arrays: dict[str, Arrays]) -> None:
        """Go on from what `arrays` returned."""
        self.count = int(arrays["count"][0])
        for mean, value in zip(self.average, arrays["average"], strict=True):
            mean.assign(value)
        for variable, value in zip(self.optimizer.variables, arrays["optimizer"], strict=True):
            variable.assign(value)

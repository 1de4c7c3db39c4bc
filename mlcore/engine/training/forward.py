"""Runs a Keras graph over many inputs without learning, on whatever backend Keras runs on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlcore.engine.networks.backend import backend
from mlcore.engine.types import FloatArray


class Forward:
    """The named outputs of a graph for (n, size, size, 1) inputs, traced once."""

    def __init__(self, model: Any, *, batch_size: int = 32) -> None:
        self.model, self.batch_size = model, batch_size
        self._traced = _traced_by_jax(model) if backend() == "jax" else _traced_by_tensorflow(model)

    def __call__(self, inputs: FloatArray, *, weights: Sequence[Any] | None = None) -> dict[str, FloatArray]:
        """Outputs with the graph's own weights, or with others in the order of `model.weights`."""
        if weights is not None:
            self.model.set_weights(weights)
        starts = range(0, len(inputs), self.batch_size)
        parts = [self._batch(inputs[at : at + self.batch_size]) for at in starts]
        return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}

    def _batch(self, inputs: FloatArray) -> dict[str, Any]:
        """One batch, filled up so that one tracing serves every batch."""
        missing = self.batch_size - len(inputs)
        filled = np.concatenate([inputs, np.repeat(inputs[-1:], missing, axis=0)]) if missing else inputs
        return {name: value[: len(inputs)] for name, value in self._traced(filled).items()}


def forward(model: Any, inputs: FloatArray) -> dict[str, FloatArray]:
    """Every named output for (n, size, size, 1) inputs."""
    return Forward(model)(inputs)


def _traced_by_tensorflow(model: Any) -> Any:
    import tensorflow as tf

    shape = (None, *model.input_shape[1:])
    return tf.function(
        lambda batch: model(batch, training=False), input_signature=[tf.TensorSpec(shape, tf.float32)]
    )


def _traced_by_jax(model: Any) -> Any:
    import jax

    @jax.jit  # type: ignore[untyped-decorator]
    def run(trainable: Any, fixed: Any, batch: Any) -> Any:
        return model.stateless_call(trainable, fixed, batch, training=False)[0]

    return lambda batch: run(
        [v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables], batch
    )

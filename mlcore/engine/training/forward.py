"""Runs a Keras graph over many inputs without learning."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlcore.engine.types import FloatArray


def forward(model: Any, inputs: FloatArray, *, batch_size: int = 32) -> dict[str, FloatArray]:
    """Every named output for (n, size, size, 1) inputs, through a traced function."""
    import tensorflow as tf

    shape = (None, *inputs.shape[1:])
    traced = tf.function(
        lambda batch: model(batch, training=False), input_signature=[tf.TensorSpec(shape, tf.float32)]
    )
    parts = [traced(inputs[at : at + batch_size]) for at in range(0, len(inputs), batch_size)]
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}

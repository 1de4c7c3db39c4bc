"""Explanations by gradient on a Keras graph with the common outputs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from mlcore.engine.types import FloatArray

STEPS = 32
BATCH = 8
BASELINE_BLUR = 0.08
"""Of the blurred picture from which the path begins, as a part of the side."""
SMOOTHING = 0.03
"""Of the map, as a part of the side: single pixels are noise to a reader."""


def grad_cam_plus_plus(model: Any, image: FloatArray, *, index: int, sign: float = 1.0) -> FloatArray:
    """(size, size, 1) to (h, w), on the last feature map (Chattopadhay 2018, arXiv:1710.11063).

    With `sign` -1 it shows what speaks against the condition.
    """
    import keras
    import tensorflow as tf

    features_of = model.get_layer("embedding").input
    traced = keras.Model(model.inputs, [features_of, model.output["logits"]])
    with tf.GradientTape() as tape:
        inputs = tf.convert_to_tensor(image[None])
        tape.watch(inputs)
        features, logits = traced(inputs, training=False)
        score = sign * logits[0, index]
    gradient = np.asarray(tape.gradient(score, features), np.float64)[0]
    held = np.asarray(features, np.float64)[0]
    square = gradient**2
    below = 2.0 * square + held.sum(axis=(0, 1)) * gradient * square
    alpha = np.divide(square, below, out=np.zeros_like(square), where=np.abs(below) > 1e-12)
    weights = (alpha * np.maximum(gradient, 0.0)).sum(axis=(0, 1))
    return np.asarray(np.maximum(held @ weights, 0.0), np.float32)


def integrated_gradients(model: Any, image: FloatArray, *, index: int, steps: int = STEPS) -> FloatArray:
    """(size, size, 1) to (size, size), adding up to logit(image) - logit(baseline).

    Sundararajan 2017, arXiv:1703.01365, by the midpoint rule. The baseline is the
    picture strongly blurred (Sturmfels 2020): a black one would call black lung
    unimportant.
    """
    import tensorflow as tf

    start = blurred(image)
    total = np.zeros_like(image, np.float64)
    places = (np.arange(steps, dtype=np.float32) + 0.5) / steps
    for at in range(0, steps, BATCH):
        part = places[at : at + BATCH, None, None, None]
        gradients = _gradient_of(model)(start + part * (image - start), tf.constant(index))
        total += np.asarray(gradients, np.float64).sum(axis=0)
    return np.asarray(((image - start) * total / steps)[..., 0], np.float32)


@lru_cache(maxsize=2)
def _gradient_of(model: Any) -> Any:
    """Inputs and the index of a condition to the gradient of its logit; traced once for each model."""
    import tensorflow as tf

    def gradient(inputs: Any, index: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            score = tf.reduce_sum(tf.gather(model(inputs, training=False)["logits"], index, axis=1))
        return tape.gradient(score, inputs)

    shape = (None, *model.input_shape[1:])
    return tf.function(
        gradient, input_signature=[tf.TensorSpec(shape, tf.float32), tf.TensorSpec((), tf.int32)]
    )


def blurred(image: FloatArray) -> FloatArray:
    """A network input (size, size, 1) without anything small in it."""
    from scipy.ndimage import gaussian_filter

    sigma = BASELINE_BLUR * image.shape[0]
    return np.asarray(gaussian_filter(image, (sigma, sigma, 0), mode="nearest"), np.float32)


def smoothed(attributions: FloatArray) -> FloatArray:
    """A map per pixel as a reader can look at it."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(attributions, SMOOTHING * attributions.shape[0]), np.float32)

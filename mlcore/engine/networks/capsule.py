"""A small capsule network with dynamic routing (Sabour 2017, arXiv:1710.09829)."""

from __future__ import annotations

from typing import Any

from mlcore.engine.networks.registry import Network, register_network

STEM = ((32, 5), (64, 3), (128, 3), (128, 3))
"""Channels and kernel of the convolutions that make a radiograph small; the paper's digits were small."""
TYPES, SIZE = 16, 8
"""Kinds of primary capsules and the numbers in each."""


def build_capsule(*, input_size: int, class_count: int, dropout: float) -> Any:
    """(batch, input_size, input_size, 1) in [-1, 1] to the common outputs; 0.4 million weights.

    The logit is that of the class capsule's length, so that it can be fitted with
    the margin loss of the paper: see `margin_loss`.
    """
    import keras

    from mlcore.engine.networks.routing import CapsuleMaps, PrimaryCapsules, Routing

    inputs = keras.Input((input_size, input_size, 1), name="image")
    x, layers = inputs, []
    for index, (channels, kernel) in enumerate(STEM):
        options = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
        x = keras.layers.Conv2D(channels, kernel, strides=2, name=f"conv{index}", **options)(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"conv{index}_bn")(x)
        x = keras.layers.ReLU(name=f"conv{index}_relu")(x)
        layers.append(keras.layers.GlobalAveragePooling2D(name=f"layer_{index}")(x))
    x = keras.layers.SpatialDropout2D(dropout, name="head_dropout")(x)
    features = keras.layers.Conv2D(TYPES * SIZE, 3, padding="same", name="primary")(x)
    given = Routing(class_count, name="routing")(PrimaryCapsules(TYPES, SIZE, name="capsules")(features))
    height, width = int(features.shape[1]), int(features.shape[2])
    maps = CapsuleMaps(height, width, name="maps")(given)
    outputs = {
        "logits": keras.layers.GlobalAveragePooling2D(name="logits")(maps),
        "maps": maps,
        "embedding": keras.layers.GlobalAveragePooling2D(name="embedding")(features),
        "layers": keras.layers.Concatenate(name="layers")(layers),
    }
    return keras.Model(inputs, outputs, name="capsule")


def margin_losses(labels: Any, logits: Any) -> Any:
    """Equation 4 of the paper: a present class is longer than 0.9, an absent one shorter than 0.1."""
    import keras

    length = keras.ops.sigmoid(logits)
    missed = keras.ops.square(keras.ops.relu(0.9 - length))
    false = keras.ops.square(keras.ops.relu(length - 0.1))
    return labels * missed + 0.5 * (1.0 - labels) * false


register_network(
    Network(name="capsule", build=build_capsule, input_size=96, pooled_head=False, losses=margin_losses)
)

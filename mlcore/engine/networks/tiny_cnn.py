"""A small convolutional network, for tests and small data sets."""

from __future__ import annotations

from typing import Any

from mlcore.engine.networks.head import with_head
from mlcore.engine.networks.registry import Network, register_network

CHANNELS = (16, 32, 64)


def build_tiny_cnn(*, input_size: int, class_count: int, dropout: float) -> Any:
    """Three strided convolutions: (batch, input_size, input_size, 1) in [-1, 1] to the common outputs."""
    import keras

    inputs = keras.Input((input_size, input_size, 1), name="image")
    x, layers = inputs, []
    for index, channels in enumerate(CHANNELS):
        x = keras.layers.Conv2D(
            channels, 3, strides=2, padding="same", activation="relu", name=f"conv_{index}"
        )(x)
        layers.append(x)
    return with_head(
        inputs=inputs, features=x, layers=layers, class_count=class_count, dropout=dropout, name="tiny_cnn"
    )


register_network(Network(name="tiny_cnn", build=build_tiny_cnn, input_size=64))

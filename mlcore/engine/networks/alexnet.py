"""AlexNet (Krizhevsky 2012), five convolutions and no more.

The two dense layers of the original hold nine of ten weights and tie it to one
input size; here the common head on global average pooling stands in their place,
as it does for every network. Local response normalization gives way to batch
normalization (Ioffe 2015, arXiv:1502.03167).
"""

from __future__ import annotations

from typing import Any

from mlcore.engine.networks.head import with_head
from mlcore.engine.networks.registry import Network, register_network

CONVOLUTIONS = (
    (64, 11, 4, True),
    (192, 5, 1, True),
    (384, 3, 1, False),
    (256, 3, 1, False),
    (256, 3, 1, False),
)
"""Channels, kernel, stride, and whether a pooling follows."""


def build_alexnet(*, input_size: int, class_count: int, dropout: float) -> Any:
    """(batch, input_size, input_size, 1) in [-1, 1] to the common outputs; 2.5 million weights."""
    import keras

    inputs = keras.Input((input_size, input_size, 1), name="image")
    x, layers = inputs, []
    for index, (channels, kernel, stride, pooled) in enumerate(CONVOLUTIONS):
        options = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
        x = keras.layers.Conv2D(channels, kernel, strides=stride, name=f"conv{index}", **options)(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"conv{index}_bn")(x)
        x = keras.layers.ReLU(name=f"conv{index}_relu")(x)
        if pooled:
            x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name=f"pool{index}")(x)
            layers.append(x)
    return with_head(
        inputs=inputs, features=x, layers=layers, class_count=class_count, dropout=dropout, name="alexnet"
    )


register_network(Network(name="alexnet", build=build_alexnet, input_size=192))

"""GoogLeNet (Szegedy 2014, arXiv:1409.4842) with batch normalization and without its auxiliary heads.

The auxiliary heads carried the gradient past layers that were not normalized;
normalized layers need none (Ioffe 2015, arXiv:1502.03167).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlcore.engine.networks.head import with_head
from mlcore.engine.networks.registry import Network, register_network


@dataclass(frozen=True)
class Inception:
    """Channels of the four branches of one module."""

    single: int
    reduce_three: int
    three: int
    reduce_five: int
    five: int
    pool: int


STAGES = (
    (Inception(64, 96, 128, 16, 32, 32), Inception(128, 128, 192, 32, 96, 64)),
    (
        Inception(192, 96, 208, 16, 48, 64),
        Inception(160, 112, 224, 24, 64, 64),
        Inception(128, 128, 256, 24, 64, 64),
        Inception(112, 144, 288, 32, 64, 64),
        Inception(256, 160, 320, 32, 128, 128),
    ),
    (Inception(256, 160, 320, 32, 128, 128), Inception(384, 192, 384, 48, 128, 128)),
)
"""The paper's table 1, modules 3a to 5b."""


def _conv(x: Any, channels: int, kernel: int, *, stride: int = 1, name: str) -> Any:
    import keras

    options = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
    x = keras.layers.Conv2D(channels, kernel, strides=stride, name=name, **options)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _module(x: Any, *, width: Inception, name: str) -> Any:
    import keras

    three = _conv(x, width.reduce_three, 1, name=f"{name}_reduce3")
    five = _conv(x, width.reduce_five, 1, name=f"{name}_reduce5")
    pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    branches = [
        _conv(x, width.single, 1, name=f"{name}_conv1"),
        _conv(three, width.three, 3, name=f"{name}_conv3"),
        _conv(five, width.five, 5, name=f"{name}_conv5"),
        _conv(pooled, width.pool, 1, name=f"{name}_project"),
    ]
    return keras.layers.Concatenate(name=name)(branches)


def build_googlenet(*, input_size: int, class_count: int, dropout: float) -> Any:
    """(batch, input_size, input_size, 1) in [-1, 1] to the common outputs; 6 million weights."""
    import keras

    inputs = keras.Input((input_size, input_size, 1), name="image")
    x = _conv(inputs, 64, 7, stride=2, name="stem1")
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name="stem1_pool")(x)
    x = _conv(_conv(x, 64, 1, name="stem2"), 192, 3, name="stem3")
    layers = [x]
    for number, modules in enumerate(STAGES, start=3):
        x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name=f"pool{number}")(x)
        for letter, width in zip("abcde", modules, strict=False):
            x = _module(x, width=width, name=f"inception{number}{letter}")
            if (number, letter) == (3, "a"):
                layers.append(x)
    return with_head(
        inputs=inputs, features=x, layers=layers, class_count=class_count, dropout=dropout, name="googlenet"
    )


register_network(Network(name="googlenet", build=build_googlenet, input_size=192))

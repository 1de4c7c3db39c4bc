"""ResNet-18 (He 2015, arXiv:1512.03385)."""

from __future__ import annotations

from typing import Any

from mlcore.engine.networks.head import with_head
from mlcore.engine.networks.registry import Network, register_network

STAGES = (64, 128, 256, 512)
BLOCKS_PER_STAGE = 2


def _conv(x: Any, channels: int, kernel: int, *, stride: int = 1, name: str) -> Any:
    import keras

    options = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
    x = keras.layers.Conv2D(channels, kernel, strides=stride, name=name, **options)(x)
    return keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)


def _block(x: Any, channels: int, *, stride: int, name: str) -> Any:
    import keras

    y = keras.layers.ReLU(name=f"{name}_relu1")(_conv(x, channels, 3, stride=stride, name=f"{name}_conv1"))
    y = _conv(y, channels, 3, name=f"{name}_conv2")
    same = stride == 1 and int(x.shape[-1]) == channels
    shortcut = x if same else _conv(x, channels, 1, stride=stride, name=f"{name}_shortcut")
    return keras.layers.ReLU(name=f"{name}_relu2")(keras.layers.Add(name=f"{name}_add")([y, shortcut]))


def build_resnet18(*, input_size: int, class_count: int, dropout: float) -> Any:
    """(batch, input_size, input_size, 1) in [-1, 1] to the common outputs; 11 million weights."""
    import keras

    inputs = keras.Input((input_size, input_size, 1), name="image")
    x = keras.layers.ReLU(name="stem_relu")(_conv(inputs, 64, 7, stride=2, name="stem"))
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(x)
    layers = []
    for number, channels in enumerate(STAGES):
        for block in range(BLOCKS_PER_STAGE):
            stride = 2 if number > 0 and block == 0 else 1
            x = _block(x, channels, stride=stride, name=f"stage{number}_block{block}")
        if number < 2:
            layers.append(x)
    return with_head(
        inputs=inputs, features=x, layers=layers, class_count=class_count, dropout=dropout, name="resnet18"
    )


register_network(Network(name="resnet18", build=build_resnet18, input_size=192))

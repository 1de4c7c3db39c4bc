"""EfficientNet-Lite0 (Tan & Le 2019, arXiv:1905.11946; Lite: no squeeze-excite, ReLU6, fixed stem and head).

The network that is trained and served has no batch normalization: the ImageNet
weights are loaded into a graph that has it, its statistics are measured again on
radiographs, and each one is then folded into the convolution before it. That
halves the time of a training step on a CPU and is what is served anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlcore.engine.networks.backend import measure_statistics
from mlcore.engine.networks.head import with_head
from mlcore.engine.networks.registry import Network, register_network
from mlcore.engine.networks.state_dict import imagenet_state_dict

EPSILON = 1e-3
STEM_CHANNELS, HEAD_CHANNELS = 32, 1280


@dataclass(frozen=True)
class Stage:
    """A run of inverted residual blocks."""

    channels: int
    repeats: int
    stride: int
    expansion: int
    kernel: int


STAGES = (
    Stage(16, 1, 1, 1, 3),
    Stage(24, 2, 2, 6, 3),
    Stage(40, 2, 2, 6, 5),
    Stage(80, 3, 2, 6, 3),
    Stage(112, 3, 1, 6, 5),
    Stage(192, 4, 2, 6, 5),
    Stage(320, 1, 1, 6, 3),
)
DESCRIBED_STAGES = (1, 2, 3, 4)
"""Stages whose pooled outputs tell what kind of image it is; later ones know only what is to be found."""
ATTRIBUTED_LAYERS = ("block4_add", "block10_add", "block12_add")
"""At an eighth, a sixteenth and a 32nd: early, a place sees little beside itself; late, the whole image."""


class _Graph:
    """Adds convolutions, with or without a normalization behind each."""

    def __init__(self, *, batch_norm: bool) -> None:
        self.batch_norm = batch_norm

    def conv(self, x: Any, filters: int, kernel: int, *, stride: int = 1, name: str, act: bool = True) -> Any:
        import keras

        options = {"padding": "same", "use_bias": not self.batch_norm, "name": name}
        return self._finish(x, keras.layers.Conv2D(filters, kernel, strides=stride, **options), name, act)

    def depthwise(self, x: Any, kernel: int, *, stride: int, name: str) -> Any:
        import keras

        options = {"padding": "same", "use_bias": not self.batch_norm, "name": name}
        return self._finish(x, keras.layers.DepthwiseConv2D(kernel, strides=stride, **options), name, True)

    def _finish(self, x: Any, layer: Any, name: str, act: bool) -> Any:
        import keras

        x = layer(x)
        if self.batch_norm:
            x = keras.layers.BatchNormalization(epsilon=EPSILON, momentum=0.9, name=f"{name}_bn")(x)
        return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if act else x


def _block(graph: _Graph, x: Any, *, stage: Stage, stride: int, name: str) -> Any:
    import keras

    channels = int(x.shape[-1])
    y = x
    if stage.expansion > 1:
        y = graph.conv(y, channels * stage.expansion, 1, name=f"{name}_expand")
    y = graph.depthwise(y, stage.kernel, stride=stride, name=f"{name}_depthwise")
    y = graph.conv(y, stage.channels, 1, name=f"{name}_project", act=False)
    same = stride == 1 and channels == stage.channels
    return keras.layers.Add(name=f"{name}_add")([x, y]) if same else y


def build_efficientnet_lite0(
    *, input_size: int, class_count: int, dropout: float, batch_norm: bool = False
) -> Any:
    """(batch, input_size, input_size, 1) in [-1, 1] to the common outputs of a network."""
    import keras

    graph = _Graph(batch_norm=batch_norm)
    inputs = keras.Input((input_size, input_size, 1), name="image")
    x = graph.conv(inputs, STEM_CHANNELS, 3, stride=2, name="stem")
    layers, index = [], 0
    for number, stage in enumerate(STAGES):
        for repeat in range(stage.repeats):
            stride = stage.stride if repeat == 0 else 1
            x = _block(graph, x, stage=stage, stride=stride, name=f"block{index}")
            index += 1
        if number in DESCRIBED_STAGES:
            layers.append(x)
    x = graph.conv(x, HEAD_CHANNELS, 1, name="top")
    return with_head(
        inputs=inputs,
        features=x,
        layers=layers,
        class_count=class_count,
        dropout=dropout,
        name="efficientnet_lite0",
    )


def _torch_names() -> dict[str, tuple[str, str]]:
    """By layer: the names of convolution and normalization in the PyTorch state dict."""
    names = {"stem": ("_conv_stem", "_bn0"), "top": ("_conv_head", "_bn1")}
    index = 0
    for stage in STAGES:
        for _ in range(stage.repeats):
            at = f"_blocks.{index}"
            if stage.expansion > 1:
                names[f"block{index}_expand"] = (f"{at}._expand_conv", f"{at}._bn0")
            names[f"block{index}_depthwise"] = (f"{at}._depthwise_conv", f"{at}._bn1")
            names[f"block{index}_project"] = (f"{at}._project_conv", f"{at}._bn2")
            index += 1
    return names


def load_imagenet(model: Any) -> None:
    """Load the ImageNet weights into a graph with batch normalization.

    The three color filters of the first convolution are added up, which for a
    gray image in all three channels is the same arithmetic.
    """
    state = imagenet_state_dict()
    for layer, (conv, norm) in _torch_names().items():
        kernel = state[f"{conv}.weight"]
        if layer == "stem":
            kernel = kernel.sum(axis=1, keepdims=True)
        order = (2, 3, 0, 1) if layer.endswith("depthwise") else (2, 3, 1, 0)
        model.get_layer(layer).set_weights([kernel.transpose(order)])
        parts = [state[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        model.get_layer(f"{layer}_bn").set_weights(parts)


def fold(source: Any, target: Any) -> None:
    """Copy a graph with batch normalization into one without: kernel and bias of each convolution."""
    for layer in _torch_names():
        kernel = source.get_layer(layer).get_weights()[0]
        gamma, beta, mean, variance = source.get_layer(f"{layer}_bn").get_weights()
        scale = gamma / np.sqrt(variance + EPSILON)
        shaped = scale[:, None] if layer.endswith("depthwise") else scale
        target.get_layer(layer).set_weights([kernel * shaped, beta - mean * scale])


def initialize_from_imagenet(model: Any, sample: Any) -> None:
    """Start `model` from ImageNet, its statistics measured again on `sample`.

    `sample` is (n, size, size, 1) float32 network inputs, some hundreds of them.
    """
    size = int(model.input_shape[1])
    normalized = build_efficientnet_lite0(input_size=size, class_count=1, dropout=0.0, batch_norm=True)
    load_imagenet(normalized)
    measure_statistics(normalized, sample)
    fold(normalized, model)


register_network(
    Network(
        name="efficientnet_lite0",
        build=build_efficientnet_lite0,
        input_size=192,
        initialize=initialize_from_imagenet,
        attributed_layers=ATTRIBUTED_LAYERS,
    )
)

"""VGG16 (Simonyan 2014, arXiv:1409.1556) and InceptionV3 (Szegedy 2015, arXiv:1512.00567), as in Keras.

They start from ImageNet when its weights lie in Keras' own cache, and from scratch
otherwise: nothing is fetched. The graph takes a gray image, and the arithmetic by
which the original turns a color image into numbers is folded into its first layer.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.networks.head import with_head
from mlcore.engine.networks.registry import Network, register_network

INPUT_SCALE, INPUT_OFFSET = 128.0, 127.0
"""A network input x is the gray value 128 x + 127, of 255."""
VGG_MEAN = np.array([103.939, 116.779, 123.68], np.float32)
"""Taken from blue, green and red before VGG16 sees them."""

NUMBERED = r"(conv2d|batch_normalization|activation|average_pooling2d|max_pooling2d|concatenate)(_\d+)?"
"""Names that Keras gives to layers that were given none."""


@dataclass(frozen=True)
class Family:
    """One network of Keras: where its parts are, and how its weights meet a gray input."""

    application: str
    weights: str
    """Name of the file in Keras' cache."""
    described: tuple[str, ...]
    """Layers whose pooled outputs tell what kind of image it is."""
    adapt: Callable[[list[NDArray[np.float32]]], list[NDArray[np.float32]]]
    """Weights of the first layer for color to those for a gray network input."""


def _gray_vgg(weights: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    kernel, bias = weights
    offset = np.einsum("hwio,i->o", kernel, INPUT_OFFSET - VGG_MEAN)
    return [kernel.sum(axis=2, keepdims=True) * INPUT_SCALE, bias + offset]


def _gray_inception(weights: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """InceptionV3 sees gray / 127.5 - 1, which is x to within half a percent."""
    return [weights[0].sum(axis=2, keepdims=True)]


FAMILIES = {
    "vgg16": Family(
        application="VGG16",
        weights="vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        described=("block1_pool", "block2_pool", "block3_pool"),
        adapt=_gray_vgg,
    ),
    "inception_v3": Family(
        application="InceptionV3",
        weights="inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        described=("mixed0",),
        adapt=_gray_inception,
    ),
}


def build_application(*, input_size: int, class_count: int, dropout: float, family: Family, name: str) -> Any:
    """(batch, input_size, input_size, 1) in [-1, 1] to the common outputs, in one flat graph."""
    backbone = _backbone(family, shape=(input_size, input_size, 1))
    return with_head(
        inputs=backbone.inputs[0],
        features=backbone.outputs[0],
        layers=[backbone.get_layer(layer).output for layer in family.described],
        class_count=class_count,
        dropout=dropout,
        name=name,
    )


def load_imagenet(model: Any, sample: Any, *, family: Family) -> None:
    """Load the cached ImageNet weights into a model of `build_application`; `sample` is not needed."""
    color = _backbone(family, shape=(*model.input_shape[1:3], 3))
    color.load_weights(weights_file(family))
    for number, source in enumerate(layer for layer in color.layers if layer.weights):
        weights = source.get_weights()
        model.get_layer(source.name).set_weights(family.adapt(weights) if number == 0 else weights)


def weights_file(family: Family) -> Path:
    """Where Keras keeps the ImageNet weights once whoever runs it has fetched them."""
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    return home / "models" / family.weights


def _backbone(family: Family, *, shape: tuple[int, int, int]) -> Any:
    """The network without its top, its layers named by what they are and in which order they come.

    Keras numbers the layers of a process in the order of their making, so that a
    second network of the same kind would bear other names than the first.
    """
    import keras

    inputs = keras.Input(shape, name="image")
    made = getattr(keras.applications, family.application)(
        include_top=False, weights=None, input_tensor=inputs
    )
    numbers = {layer.name: number for number, layer in enumerate(made.layers)}

    def renamed(layer: Any) -> Any:
        name = _stable_name(layer.name, numbers[layer.name])
        return layer.__class__.from_config({**layer.get_config(), "name": name})

    clone = keras.models.clone_model(made, clone_function=renamed)
    return keras.Model(clone.inputs[0], clone.outputs[0])


def _stable_name(name: str, number: int) -> str:
    numbered = re.fullmatch(NUMBERED, name)
    return f"{numbered[1]}_at_{number}" if numbered else name


for _name, _least in (("vgg16", 32), ("inception_v3", 75)):
    _family = FAMILIES[_name]
    register_network(
        Network(
            name=_name,
            build=partial(build_application, family=_family, name=_name),
            input_size=192,
            initialize=partial(load_imagenet, family=_family),
            has_pretrained=partial(lambda family: weights_file(family).is_file(), _family),
            least_input_size=_least,
        )
    )

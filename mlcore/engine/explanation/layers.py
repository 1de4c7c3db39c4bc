"""Attribution by layers of several depths of a network.

In the last feature map of a deep network each place sees the whole image, and a map drawn
there may point anywhere: a network that was taught to find planted opacities, and finds
them, has its class activation elsewhere. In earlier layers each place still sees little
beside itself. There, feature times gradient is summed over channels, which is what the place
adds to the score (Draelos & Carin 2020, HiResCAM, arXiv:2011.08891). Several depths are taken
(Jiang 2021, LayerCAM, doi:10.1109/TIP.2021.3089943) and what they find is multiplied: what
only one of them sees is noise.

A compiled network does the same by itself (`mlcore.engine.networks.attribution`); this
takes a Keras graph, such as one of shuffled weights.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from mlcore.engine.inference.attribution import combined
from mlcore.engine.types import FloatArray


def layer_attribution(
    model: Any, image: FloatArray, *, index: int, layers: tuple[str, ...], sign: float = 1.0
) -> FloatArray:
    """(size, size, 1) to (size, size), never negative: what speaks for the condition, with `sign` -1 against.

    The geometric mean of the maps of `layers`, which are names of layers of the Keras
    graph `model`. One pass forward and one back.
    """
    features, gradients = _traced(model, layers)(image[None], index)
    return combined(
        [
            sign * (np.asarray(held)[0] * np.asarray(gradient)[0]).sum(axis=-1)
            for held, gradient in zip(features, gradients, strict=True)
        ],
        size=image.shape[0],
    )


@lru_cache(maxsize=2)
def _traced(model: Any, layers: tuple[str, ...]) -> Any:
    """An input and the index of a condition to the layers' features and their gradients."""
    import keras
    import tensorflow as tf

    inner = keras.Model(
        model.inputs, [[model.get_layer(name).output for name in layers], model.output["logits"]]
    )

    def attribute(inputs: Any, index: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            features, logits = inner(inputs, training=False)
            score = tf.gather(logits, index, axis=1)
        return features, tape.gradient(score, features)

    shape = (1, *model.input_shape[1:])
    return tf.function(
        attribute, input_signature=[tf.TensorSpec(shape, tf.float32), tf.TensorSpec((), tf.int32)]
    )

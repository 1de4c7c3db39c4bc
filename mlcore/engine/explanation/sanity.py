"""The same explanation of another network: what must change when the weights do."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

from mlcore.engine.explanation.gradients import grad_cam_plus_plus, integrated_gradients, smoothed
from mlcore.engine.explanation.layers import layer_attribution
from mlcore.engine.explanation.methods import Method
from mlcore.engine.explanation.occlusion import occlusion
from mlcore.engine.networks.registry import find_network
from mlcore.engine.training.forward import forward
from mlcore.engine.types import FloatArray


class GraphNetwork:
    """A Keras graph that runs like a compiled network, one image at a time."""

    def __init__(self, model: Any) -> None:
        import tensorflow as tf

        self.model = model
        shape = (1, *model.input_shape[1:])
        self._traced = tf.function(
            lambda batch: model(batch, training=False), input_signature=[tf.TensorSpec(shape, tf.float32)]
        )

    def run(self, image: FloatArray) -> dict[str, FloatArray]:
        """Outputs by name, without the batch axis."""
        return {name: np.asarray(value)[0] for name, value in self._traced(image[None]).items()}

    def run_each(self, images: FloatArray) -> dict[str, FloatArray]:
        """Outputs by name for (n, size, size, 1)."""
        return forward(self.model, images)


@lru_cache(maxsize=2)
def graph_network(model: Any) -> GraphNetwork:
    """The graph as it runs, traced once for each model."""
    return GraphNetwork(model)


def randomized(model: Any, *, seed: int) -> Any:
    """A copy whose every weight is shuffled within itself, so that their spread is kept."""
    import keras

    rng = np.random.default_rng(seed)
    copy = keras.models.clone_model(model)
    copy.set_weights([rng.permutation(w.ravel()).reshape(w.shape) for w in model.get_weights()])
    return copy


def contributions_of(
    model: Any, image: FloatArray, *, method: Method, index: int, sign: float = 1.0
) -> FloatArray:
    """What `method` says of a Keras graph on a network input: (h, w), signed where the method is.

    With `sign` -1 it shows what speaks against the condition.
    """
    if method is Method.CLASS_ACTIVATION_MAP:
        maps = model(image[None], training=False)["maps"]
        return sign * np.asarray(maps, np.float32)[0, ..., index]
    if method is Method.GRAD_CAM_PLUS_PLUS:
        return grad_cam_plus_plus(model, image, index=index, sign=sign)
    if method is Method.LAYER_ATTRIBUTION:
        layers = find_network(model.name).attributed_layers
        return layer_attribution(model, image, index=index, layers=layers, sign=sign)
    if method is Method.OCCLUSION:
        return sign * occlusion(graph_network(model), image, index=index)
    return sign * smoothed(integrated_gradients(model, image, index=index))


def to_input_frame(contributions: FloatArray, *, size: int) -> FloatArray:
    """(h, w) to (size, size) over the network input, without a cut at zero."""
    picture = Image.fromarray(np.ascontiguousarray(contributions, np.float32))
    return np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC), np.float32)

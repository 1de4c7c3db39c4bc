"""The gradient of a score with respect to layers of several depths, as a network that can be compiled.

LiteRT has no gradients of its own: those of ReLU6 and of a depthwise convolution are
written here with operations that it has. The score is the product of the embedding and
a direction that is given, a column of the head's kernel, so that another head needs no
other network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ATTRIBUTED = "attributed_"
"""Names of the outputs, followed by the number of the layer."""


def attribution_of(model: Any, layers: tuple[str, ...]) -> tuple[Any, Callable[[Any, Any], dict[str, Any]]]:
    """A copy of the Keras graph, and what it attributes an image's score with.

    The function takes image (1, size, size, 1) and direction (1, features) and returns, for
    each of `layers`, (1, h, w): feature times gradient, summed over channels.
    """
    import keras
    import tensorflow as tf

    copy = keras.models.clone_model(model, clone_function=_convertible)
    copy.set_weights(model.get_weights())
    inner = keras.Model(
        copy.inputs, [[copy.get_layer(name).output for name in layers], copy.output["embedding"]]
    )

    def attribute(image: Any, direction: Any) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            tape.watch(image)
            features, embedding = inner(image, training=False)
            score = tf.reduce_sum(embedding * direction)
        gradients = tape.gradient(score, features)
        return {
            f"{ATTRIBUTED}{number}": tf.reduce_sum(held * gradient, axis=-1)
            for number, (held, gradient) in enumerate(zip(features, gradients, strict=True))
        }

    return copy, attribute


def _convertible(layer: Any) -> Any:
    """The layer of a copy, with a gradient that LiteRT can run."""
    import keras

    class Depthwise(keras.layers.DepthwiseConv2D):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return _depthwise(inputs, kernel=self.kernel, stride=self.strides[0]) + self.bias

    class Relu6(keras.layers.ReLU):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return _relu6(inputs)

    kind = type(layer)
    if kind is keras.layers.DepthwiseConv2D:
        kind = Depthwise
    elif kind is keras.layers.ReLU:
        kind = Relu6
    return kind.from_config(layer.get_config())


def _relu6(inputs: Any) -> Any:
    import tensorflow as tf

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def relu6(x: Any) -> Any:
        return tf.nn.relu6(x), lambda upstream: upstream * tf.cast((x > 0) & (x < 6), tf.float32)

    return relu6(inputs)


def _depthwise(inputs: Any, *, kernel: Any, stride: int) -> Any:
    """A depthwise convolution with padding `same`; its gradient is one with the turned kernel."""
    import tensorflow as tf

    weights = tf.convert_to_tensor(kernel)
    size, side = int(weights.shape[0]), int(inputs.shape[1])
    places = -(-side // stride)
    before = max((places - 1) * stride + size - side, 0) // 2

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def depthwise(x: Any) -> Any:
        def gradient(upstream: Any) -> Any:
            spread = _spread(upstream, stride=stride)
            front, width = size - 1 - before, side + size - 1
            back = max(width - int(spread.shape[1]) - front, 0)
            padded = tf.pad(spread, [[0, 0], [front, back], [front, back], [0, 0]])[:, :width, :width]
            return tf.nn.depthwise_conv2d(padded, weights[::-1, ::-1], [1, 1, 1, 1], "VALID")

        return tf.nn.depthwise_conv2d(x, weights, [1, stride, stride, 1], "SAME"), gradient

    return depthwise(inputs)


def _spread(values: Any, *, stride: int) -> Any:
    """(1, n, n, c) to (1, stride n, stride n, c), with zeros between."""
    import tensorflow as tf

    if stride == 1:
        return values
    side, channels = int(values.shape[1]), int(values.shape[3])
    behind = [[0, 0], [0, 0], [0, stride - 1], [0, 0]]  # padded: zeros of their own would be stored
    wide = tf.pad(tf.reshape(values, [1, side * side, 1, channels]), behind)
    high = tf.pad(tf.reshape(wide, [1, side, 1, stride * side * channels]), behind)
    return tf.reshape(high, [1, stride * side, stride * side, channels])

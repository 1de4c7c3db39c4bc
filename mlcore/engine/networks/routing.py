"""Dynamic routing between capsules (Sabour 2017, arXiv:1710.09829), as Keras layers."""

from __future__ import annotations

from typing import Any

import keras

EPSILON = 1e-7


def squash(vectors: Any) -> Any:
    """Equation 1 of the paper: the direction is kept, the length becomes |s|^2 / (1 + |s|^2)."""
    square = keras.ops.sum(keras.ops.square(vectors), axis=-1, keepdims=True)
    return vectors * keras.ops.sqrt(square + EPSILON) / (1.0 + square)


class PrimaryCapsules(keras.layers.Layer):  # type: ignore[misc]
    """(batch, h, w, types * size) to (batch, h * w, types, size), squashed."""

    def __init__(self, types: int, size: int, **options: Any) -> None:
        super().__init__(**options)
        self.types, self.size = types, size

    def call(self, features: Any) -> Any:
        places = int(features.shape[1]) * int(features.shape[2])
        return squash(keras.ops.reshape(features, (-1, places, self.types, self.size)))


class Routing(keras.layers.Layer):  # type: ignore[misc]
    """(batch, places, types, size) to what each place gives to each class: (batch, places, classes).

    Each type of capsule predicts each class by one matrix, the same at every place.
    One capsule beyond the classes takes what belongs to none of them, so that a
    single class has something to be told from. What is returned for class j at a
    place is the sum over types of c_ij * (u_ij . s_j / |s_j|); over all places that
    adds up to |s_j|, the length before squashing.
    """

    def __init__(self, classes: int, size: int = 16, rounds: int = 3, **options: Any) -> None:
        super().__init__(**options)
        self.classes, self.size, self.rounds = classes, size, rounds

    def build(self, shape: tuple[int, ...]) -> None:
        columns = (self.classes + 1) * self.size
        self.matrix = self.add_weight(
            shape=(shape[2], shape[3], columns), initializer="glorot_uniform", name="matrix"
        )

    def call(self, capsules: Any) -> Any:
        places, types = int(capsules.shape[1]), int(capsules.shape[2])
        predicted = keras.ops.einsum("bpts,tsc->bptc", capsules, self.matrix)
        shape = (-1, places * types, self.classes + 1, self.size)
        votes = keras.ops.reshape(predicted, shape)
        still = keras.ops.stop_gradient(votes)
        agreement = keras.ops.zeros_like(still[..., 0])
        for _ in range(self.rounds - 1):
            summed = self._sum(keras.ops.softmax(agreement, axis=-1), still)
            agreement = agreement + keras.ops.sum(still * squash(summed), axis=-1)
        couplings = keras.ops.softmax(agreement, axis=-1)
        summed = self._sum(couplings, votes)
        length = keras.ops.sqrt(keras.ops.sum(keras.ops.square(summed), axis=-1, keepdims=True) + EPSILON)
        given = couplings * keras.ops.sum(votes * (summed / length), axis=-1)
        by_place = keras.ops.reshape(given, (-1, places, types, self.classes + 1))
        return keras.ops.sum(by_place, axis=2)[..., : self.classes]

    def _sum(self, couplings: Any, votes: Any) -> Any:
        """Equation 2: (batch, 1, classes + 1, size)."""
        return keras.ops.sum(keras.ops.expand_dims(couplings, -1) * votes, axis=1, keepdims=True)


class CapsuleMaps(keras.layers.Layer):  # type: ignore[misc]
    """What places give, (batch, places, classes), to maps (batch, h, w, classes); their mean is the logit.

    The probability is the length of the class's capsule, |v| = |s|^2 / (1 + |s|^2),
    so the logit is log |s|^2. The maps are the parts of |s|, all moved by the same
    amount so that their mean is that logit.
    """

    def __init__(self, height: int, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.height, self.width = height, width

    def call(self, given: Any) -> Any:
        length = keras.ops.maximum(keras.ops.sum(given, axis=1, keepdims=True), 1e-4)
        maps = given * (self.height * self.width) + 2.0 * keras.ops.log(length) - length
        return keras.ops.reshape(maps, (-1, self.height, self.width, int(given.shape[-1])))

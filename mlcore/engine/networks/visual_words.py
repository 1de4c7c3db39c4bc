"""Linear classification of oriented local features: the baseline of the paper.

ORB (Rublee 2011) finds and describes corners, the descriptors are replaced by the
nearest of a few hundred visual words (Csurka 2004), and a linear machine weighs
the square roots of how often each word occurs (Arandjelovic 2012: Hellinger's
kernel made linear). What a corner adds to the answer is known exactly, so this
classifier has the same outputs as the networks, class maps included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlcore.engine.networks.registry import Network, register_network
from mlcore.engine.types import FloatArray

BITS = 256
"""Of one ORB descriptor."""
GRID = 12
"""Places to a side of the class maps."""
LEAST_SIDE = 128
"""A smaller input is enlarged: a descriptor looks at 31 by 31 pixels."""
KEYPOINTS = 300


@dataclass(frozen=True)
class LocalFeatures:
    """Corners of one picture."""

    descriptors: NDArray[np.bool_]
    """(corners, 256)"""
    places: NDArray[np.intp]
    """(corners,): index into the flattened grid of the class maps."""


def local_features(image: FloatArray) -> LocalFeatures:
    """ORB on a network input (size, size, 1) in [-1, 1]; a picture may have no corner at all."""
    from skimage import feature

    size = max(LEAST_SIDE, image.shape[0])
    picture = Image.fromarray(np.ascontiguousarray(image[..., 0] * 0.5 + 0.5, np.float32))
    gray = np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC), np.float64)
    orb: Any = feature.ORB
    found = orb(n_keypoints=KEYPOINTS, n_scales=4, fast_threshold=0.02)
    try:
        found.detect_and_extract(gray)
    except RuntimeError:  # what scikit-image raises when there is no corner
        return LocalFeatures(np.zeros((0, BITS), np.bool_), np.zeros(0, np.intp))
    cells = np.clip((found.keypoints * GRID / size).astype(np.intp), 0, GRID - 1)
    return LocalFeatures(found.descriptors.astype(np.bool_), cells[:, 0] * GRID + cells[:, 1])


@dataclass(frozen=True)
class VisualWords:
    """Words and the weights of each condition; runs like a compiled network."""

    words: FloatArray
    """(words, 256): centers of descriptors in [0, 1]."""
    weights: FloatArray
    """(words, classes)"""
    bias: FloatArray
    """(classes,)"""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> VisualWords:
        """What `arrays` returned; raise KeyError when a part is missing."""
        return cls(**{name: np.asarray(arrays[name], np.float32) for name in ("words", "weights", "bias")})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it consists of."""
        return {"words": self.words, "weights": self.weights, "bias": self.bias}

    def run(self, image: FloatArray) -> dict[str, FloatArray]:
        """Common outputs of a network for one input (size, size, 1)."""
        return self.run_features(local_features(image))

    def run_each(self, images: FloatArray) -> dict[str, FloatArray]:
        """Outputs by name for (n, size, size, 1), one image after the other."""
        rows = [self.run(image) for image in images]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def run_features(self, found: LocalFeatures) -> dict[str, FloatArray]:
        """The mean of the maps is the logit: each corner's part of it, and the bias everywhere."""
        words = nearest_words(found.descriptors, self.words)
        histogram = word_histogram(words, count=len(self.words))
        share = histogram / np.maximum(np.bincount(words, minlength=len(histogram)), 1)
        maps = np.tile(self.bias, (GRID * GRID, 1))
        np.add.at(maps, found.places, self.weights[words] * share[words, None] * GRID * GRID)
        return {
            "logits": (histogram @ self.weights + self.bias).astype(np.float32),
            "maps": maps.reshape(GRID, GRID, -1).astype(np.float32),
            "embedding": histogram,
            "layers": histogram,
        }


def nearest_words(descriptors: NDArray[np.bool_], words: FloatArray) -> NDArray[np.intp]:
    """Index of the nearest word of each descriptor, by Euclidean distance."""
    bits = descriptors.astype(np.float32)
    distances = np.square(words).sum(axis=1) - 2.0 * bits @ words.T
    return np.asarray(distances.argmin(axis=1), np.intp)


def word_histogram(words: NDArray[np.intp], *, count: int) -> FloatArray:
    """(count,) of unit length: the square roots of the parts that are each word."""
    shares = np.bincount(words, minlength=count) / max(1, len(words))
    return np.sqrt(shares).astype(np.float32)


def build_visual_words(*, input_size: int, class_count: int, dropout: float) -> VisualWords:
    """No words yet, and nothing to say; the sizes are those of the data it will be fitted on."""
    empty = np.zeros((1, BITS), np.float32)
    return VisualWords(
        words=empty, weights=np.zeros((1, class_count), np.float32), bias=np.zeros(class_count, np.float32)
    )


register_network(Network(name="svm_orb", build=build_visual_words, input_size=192, is_graph=False))

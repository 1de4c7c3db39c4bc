"""Orders unlabeled images by what a training would gain from their labels.

Uncertainty times novelty, taken greedily: an image gains little where the calibrated
model is sure already, and little beside one that is labeled or chosen before it. The
product goes back to Cardoso 2017 (arXiv:1605.09081) and to greedy core sets (Sener 2018,
arXiv:1708.00489); one greedy pass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.types import FloatArray

LEAST_NOVELTY = 1e-3
"""Of an image that lies on a labeled one: such images are ordered by their uncertainty alone."""
WEIGHT = 0.25
"""Power of the novelty: enough to put off what is nearly seen, too little to seek what is odd."""


def entropy(probabilities: FloatArray) -> FloatArray:
    """(..., conditions) calibrated probabilities to (...) of nats, summed over the conditions."""
    p = np.clip(np.asarray(probabilities, np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(-(p * np.log(p) + (1 - p) * np.log(1 - p)).sum(axis=-1), np.float32)


def label_order(uncertainty: FloatArray, vectors: FloatArray, *, labeled: FloatArray) -> NDArray[np.intp]:
    """Order n images, the one whose label gains most first; ties keep the order given.

    `uncertainty` is (n,), `vectors` (n, size) and `labeled` (m, size) of unit length. Novelty
    is half the cosine distance to the nearest image that is labeled or was chosen before.
    """
    count = len(vectors)
    novelty = np.ones(count, np.float32)
    if len(labeled) and count:
        novelty = _novelty(vectors @ labeled.T).min(axis=1)
    between = _novelty(vectors @ vectors.T)
    left = np.ones(count, bool)
    chosen = np.empty(count, np.intp)
    for place in range(count):
        gain = np.where(left, uncertainty * np.maximum(novelty, LEAST_NOVELTY) ** WEIGHT, -1.0)
        best = int(gain.argmax())
        chosen[place], left[best] = best, False
        novelty = np.minimum(novelty, between[best])
    return chosen


def _novelty(cosine: FloatArray) -> FloatArray:
    return np.asarray((1.0 - cosine) / 2.0, np.float32)

"""Explanation by covering parts of the image (Zeiler 2013, arXiv:1311.2901); needs no gradient."""

from __future__ import annotations

import numpy as np

from mlcore.engine.explanation.gradients import blurred
from mlcore.engine.inference.runtime import RunnableNetwork
from mlcore.engine.types import FloatArray

PLACES = 10
"""Covers to a side."""
RADIUS = 0.09
"""Spread of a soft cover, as a part of the side: sharp covers would add edges that mean something."""


def occlusion(
    network: RunnableNetwork, image: FloatArray, *, index: int, places: int = PLACES, radius: float = RADIUS
) -> FloatArray:
    """(size, size, 1) to (size, size): by how much the logit falls when each place is covered.

    What lies under a cover is replaced by the same picture strongly blurred.
    `places` squared runs of the network.
    """
    size = image.shape[0]
    without = blurred(image)
    whole = network.run(image)["logits"][index]
    total, weight = np.zeros((size, size)), np.full((size, size), 1e-6)
    for cover in covers(size, places=places, radius=radius):
        shown = image * (1.0 - cover[..., None]) + without * cover[..., None]
        fall = float(whole - network.run(shown)["logits"][index])
        total += fall * cover
        weight += cover
    return np.asarray(total / weight, np.float32)


def covers(size: int, *, places: int, radius: float) -> list[FloatArray]:
    """Soft round covers (size, size) in [0, 1], on a regular grid."""
    axis = np.arange(size, dtype=np.float32)
    centers = (np.arange(places) + 0.5) * size / places
    bells = np.exp(-0.5 * ((axis - centers[:, None]) / (radius * size)) ** 2).astype(np.float32)
    return [np.outer(row, column) for row in bells for column in bells]

"""Measures where the places of a network's maps look.

Convolutions with a stride pad one side more than the other, each a little, which adds
up to half a place of the last grid; what training makes of it differs by direction. So
it is measured: spots are laid on pictures, and the maps tell where they see them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.inference.runtime import RunnableNetwork
from mlcore.engine.training.batches import plain_inputs
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.types import FloatArray

PICTURES = 48
SPOTS = 6
"""On each picture, one at a time."""
SPREAD = 0.04
"""Of a spot, as a part of the side."""
ERRORS = 2.0
"""Standard errors by which an offset must differ from none to be believed."""
MIDDLE = (0.3, 0.7)
"""Where spots lie: as far from one edge as from the other, so that edges pull neither way."""


def measure_offset(
    network: RunnableNetwork, pictures: NDArray[np.uint8], *, plan: TrainingPlan
) -> tuple[float, float]:
    """How far down and right of their place in the grid the places look, in input pixels.

    `pictures` is (n, size, size); each is asked about as it is and mirrored, so that what
    lies on one side of every body pulls neither way. Never more than one place of the grid.
    A network that was trained on mirrored pictures as often as not looks to neither side.
    """
    rng = np.random.default_rng(plan.seed)
    moved: list[list[NDArray[np.float64]]] = []
    inputs = plain_inputs(pictures[:PICTURES], plan=plan)
    for image in np.concatenate([inputs, inputs[:, :, ::-1]]):
        before = network.run(image)["maps"]
        moved.append([])
        for _ in range(SPOTS):
            center = rng.uniform(*MIDDLE, 2) * (image.shape[0] - 1)
            spotted = np.clip(image + _spot(center, size=image.shape[0]) * rng.choice([-1, 1]), -1, 1)
            change = np.square(network.run(spotted.astype(np.float32))["maps"] - before).sum(axis=-1)
            if change.any():
                moved[-1].append(center - _centroid(change, size=image.shape[0]))
    means = np.array([np.mean(found, axis=0) for found in moved if found])
    if len(means) < 2:
        return 0.0, 0.0
    offset = means.mean(axis=0)
    certain = np.abs(offset) > ERRORS * means.std(axis=0, ddof=1) / np.sqrt(len(means))
    place = plan.preprocessing.input_size / min(change.shape)
    down, right = np.clip(np.where(certain, offset, 0.0), -place, place)
    mirrored = plan.augmentation.flip == 0.5
    return round(float(down), 2), 0.0 if mirrored else round(float(right), 2)


def _spot(center: NDArray[np.float64], *, size: int) -> FloatArray:
    y, x = np.mgrid[:size, :size]
    square = (y - center[0]) ** 2 + (x - center[1]) ** 2
    return np.asarray(np.exp(-square / (2 * (SPREAD * size) ** 2))[..., None], np.float32)


def _centroid(change: FloatArray, *, size: int) -> NDArray[np.float64]:
    """Row and column of the middle of (h, w) weights, in input pixels."""
    total = max(float(change.sum()), 1e-30)
    axes = [(np.arange(n) + 0.5) * size / n - 0.5 for n in change.shape]
    return np.array([change.sum(axis=1) @ axes[0] / total, change.sum(axis=0) @ axes[1] / total])

"""Network inputs of labelled pictures, as they are and randomly changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.imaging.augment import augmented_input
from mlcore.engine.imaging.opacities import plant_opacities
from mlcore.engine.imaging.preprocess import network_input
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.types import FloatArray

PLANTING = 7_368_787
"""Keeps the chance that plants opacities apart from the one that changes pictures."""


def plain_inputs(pictures: NDArray[np.uint8], *, plan: TrainingPlan) -> FloatArray:
    """(n, size, size) uint8 to (n, input_size, input_size, 1), unchanged by chance."""
    how = plan.preprocessing
    return np.stack([network_input(p.astype(np.float32) / 255.0, how=how) for p in pictures])


def changed_inputs(
    pictures: NDArray[np.uint8],
    *,
    plan: TrainingPlan,
    draw: int,
    rows: NDArray[np.intp],
    planted: NDArray[np.bool_] | None = None,
) -> FloatArray:
    """Randomly changed inputs of the chosen rows; each row's chance hangs on (seed, draw, row) alone.

    Opacities are planted first, in the rows that `planted` says.
    """
    inputs = []
    for place, row in enumerate(rows):
        picture, rng = pictures[row], np.random.default_rng((plan.seed, draw, int(row)))
        if planted is not None and planted[place]:
            picture = plant_opacities(picture, rng=np.random.default_rng((plan.seed, PLANTING, draw, row)))
        how, strength = plan.preprocessing, plan.augmentation
        inputs.append(augmented_input(picture, rng=rng, how=how, strength=strength))
    return np.stack(inputs)

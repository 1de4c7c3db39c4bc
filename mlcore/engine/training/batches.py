"""Batches of network inputs, drawn so that a run can be repeated and resumed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.imaging.augment import augmented_input
from mlcore.engine.imaging.preprocess import network_input
from mlcore.engine.training.data import LabelledPictures
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.types import FloatArray


def plain_inputs(pictures: NDArray[np.uint8], *, plan: TrainingPlan) -> FloatArray:
    """(n, size, size) uint8 to (n, input_size, input_size, 1), unchanged by chance."""
    how = plan.preprocessing
    return np.stack([network_input(p.astype(np.float32) / 255.0, how=how) for p in pictures])


def changed_inputs(
    pictures: NDArray[np.uint8], *, plan: TrainingPlan, draw: int, rows: NDArray[np.intp]
) -> FloatArray:
    """Randomly changed inputs of the chosen rows; each row's chance hangs on (seed, draw, row) alone."""
    return np.stack(
        [
            augmented_input(
                pictures[row],
                rng=np.random.default_rng((plan.seed, draw, int(row))),
                how=plan.preprocessing,
                strength=plan.augmentation,
            )
            for row in rows
        ]
    )


def training_batches(
    data: LabelledPictures, *, plan: TrainingPlan, epoch: int
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """One epoch of changed inputs and labels; the next batch is made while one is learned from."""
    order = np.random.default_rng((plan.seed, epoch)).permutation(len(data))
    steps = steps_per_epoch(data, plan=plan)
    rows = [order[step * plan.batch_size : (step + 1) * plan.batch_size] for step in range(steps)]

    def make(chosen: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        return changed_inputs(data.pictures, plan=plan, draw=epoch, rows=chosen), data.labels[chosen]

    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(make, rows[0])
        for upcoming in [*rows[1:], None]:
            batch = waiting.result()
            if upcoming is not None:
                waiting = pool.submit(make, upcoming)
            yield batch


def steps_per_epoch(data: LabelledPictures, *, plan: TrainingPlan) -> int:
    """Full batches in an epoch; a small set makes one short batch."""
    return max(1, len(data) // plan.batch_size)

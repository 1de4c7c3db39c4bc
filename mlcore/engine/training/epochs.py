"""Epochs of changed inputs and labels, drawn so that a run can be repeated and resumed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.training.batches import PLANTING
from mlcore.engine.training.data import LabelledPictures
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.training.preparing import Preparer
from mlcore.engine.types import FloatArray


def training_batches(
    data: LabelledPictures, *, epoch: int, preparer: Preparer
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """One epoch of changed inputs and labels; batches are made while others are learned from."""
    plan = preparer.plan
    order = np.random.default_rng((plan.seed, epoch)).permutation(len(data))
    labels, planted = planted_labels(data.labels, plan=plan, epoch=epoch)
    waiting: deque[tuple[NDArray[np.intp], Future[FloatArray]]] = deque()
    for step in range(steps_per_epoch(data, plan=plan)):
        rows = order[step * plan.batch_size : (step + 1) * plan.batch_size]
        waiting.append((rows, preparer.submit(draw=epoch, rows=rows, planted=planted[rows])))
        if len(waiting) > preparer.ahead:
            done, inputs = waiting.popleft()
            yield inputs.result(), labels[done]
    for done, inputs in waiting:
        yield inputs.result(), labels[done]


def planted_labels(
    labels: FloatArray, *, plan: TrainingPlan, epoch: int
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Labels (n, classes) with the opacities that this epoch plants, and the rows (n,) they go to.

    They go to some of the pictures that have nothing, and count as the plan's condition.
    """
    if not plan.planted:
        return labels, np.zeros(len(labels), bool)
    chance = np.random.default_rng((plan.seed, PLANTING, epoch)).random(len(labels))
    rows = (chance < plan.planted_share) & (labels == 0).all(axis=1)
    changed = labels.copy()
    changed[rows, plan.classes.index(plan.planted)] = 1.0
    return changed, rows


def steps_per_epoch(data: LabelledPictures, *, plan: TrainingPlan) -> int:
    """Full batches in an epoch; a small set makes one short batch."""
    return max(1, len(data) // plan.batch_size)

"""Changes pictures beside the learning: in a thread, or in processes of their own.

An accelerator learns faster than one core can turn, squeeze and spoil pictures. What
comes out hangs on seed, draw and row alone, so it is the same however many take part.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.training.batches import changed_inputs
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.types import FloatArray

PART = 64
"""Pictures that are changed in one go where many are wanted."""

_shared: dict[str, NDArray[np.uint8]] = {}
"""In a process of its own: the pictures, mapped from the file they were laid down in."""


@dataclass(frozen=True)
class Preparer:
    """Makes changed inputs of some pictures for one plan."""

    plan: TrainingPlan
    pictures: NDArray[np.uint8]
    pool: Executor
    ahead: int
    """Batches that are made before they are asked for."""
    file: str = ""
    """Where processes find the pictures; empty in a thread, which shares them."""

    def submit(
        self, *, draw: int, rows: NDArray[np.intp], planted: NDArray[np.bool_] | None = None
    ) -> Future[FloatArray]:
        """Begin to make the inputs of the rows."""
        if self.file:
            return self.pool.submit(_from_file, self.file, self.plan, draw, rows, planted)
        return self.pool.submit(_changed, self.pictures, self.plan, draw, rows, planted)

    def inputs(self, *, draw: int, rows: NDArray[np.intp]) -> FloatArray:
        """The inputs of many rows."""
        parts = [self.submit(draw=draw, rows=rows[at : at + PART]) for at in range(0, len(rows), PART)]
        return np.concatenate([part.result() for part in parts])


@contextmanager
def preparing(pictures: NDArray[np.uint8], *, plan: TrainingPlan, processes: int = 0) -> Iterator[Preparer]:
    """Yield what makes changed inputs: in one thread, or in as many processes as are given."""
    if processes < 1:
        with ThreadPoolExecutor(max_workers=1) as thread:
            yield Preparer(plan=plan, pictures=pictures, pool=thread, ahead=1)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pictures.npy"
        np.save(file, pictures)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=processes, mp_context=context) as pool:
            yield Preparer(plan=plan, pictures=pictures, pool=pool, ahead=2 * processes, file=str(file))


def _from_file(
    file: str,
    plan: TrainingPlan,
    draw: int,
    rows: NDArray[np.intp],
    planted: NDArray[np.bool_] | None,
) -> FloatArray:
    if file not in _shared:
        _shared[file] = np.load(file, mmap_mode="r")
    return _changed(_shared[file], plan, draw, rows, planted)


def _changed(
    pictures: NDArray[np.uint8],
    plan: TrainingPlan,
    draw: int,
    rows: NDArray[np.intp],
    planted: NDArray[np.bool_] | None,
) -> FloatArray:
    return changed_inputs(pictures, plan=plan, draw=draw, rows=rows, planted=planted)

"""What a backbone says of labelled pictures; all that a quick update learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.imaging.preprocess import Preprocessing, network_input
from mlcore.engine.inference.runtime import RunnableNetwork
from mlcore.engine.training.data import Fold
from mlcore.engine.types import FloatArray

Rows = NDArray[np.bool_]

HARDLY_ANY = 10
"""So many images with a condition for one that is said not to have it."""


@dataclass(frozen=True)
class LabelledFeatures:
    """Features of (n) pictures with what is known of them.

    `embeddings` is (n, features), `layers` (n, n_layers), `labels` (n, classes)
    float32 of 0, 1 or NaN where nothing is known.
    """

    embeddings: FloatArray
    layers: FloatArray
    labels: FloatArray
    groups: tuple[str, ...]
    keys: tuple[str, ...]
    folds: tuple[Fold, ...]

    def __len__(self) -> int:
        return len(self.keys)

    def of(self, *folds: Fold) -> Rows:
        """Which rows belong to the folds."""
        return np.array([fold in folds for fold in self.folds], bool)


def as_stored(picture: NDArray[np.uint8]) -> FloatArray:
    """A stored square picture of 8 bits as float32 in [0, 1]."""
    return np.asarray(picture, np.float32) / np.float32(255.0)


def describe(
    network: RunnableNetwork, picture: NDArray[np.uint8], *, how: Preprocessing
) -> tuple[FloatArray, FloatArray]:
    """Embedding (features,) and layers (n_layers,) of a stored square picture."""
    outputs = network.run(network_input(as_stored(picture), how=how))
    return outputs["embedding"], outputs["layers"]


def complete_labels(labels: FloatArray) -> tuple[FloatArray, tuple[int, ...]]:
    """Read silence as absence where nothing else says what the absence of a condition looks like.

    A condition that readers could only name from some day on has few labels that say
    it is absent. Where those are fewer than the ones that say it is present, and most
    images have no label of it or hardly any says that it is absent, images without one
    count as not having it. A condition that is simply common stays as it was signed.
    Returns the labels and the columns that this was done for.
    """
    completed = labels.copy()
    columns = []
    for column in range(labels.shape[1]):
        present, absent = (int(np.sum(labels[:, column] == value)) for value in (1, 0))
        silent = len(labels) - present - absent
        came_late = silent > present + absent or absent * HARDLY_ANY < present
        if silent and absent < present and came_late:
            completed[np.isnan(labels[:, column]), column] = 0.0
            columns.append(column)
    return completed, tuple(columns)


def two_sided(labels: FloatArray, rows: Sequence[bool] | Rows) -> bool:
    """Whether both presence and absence stand in the rows of one column of labels."""
    known = labels[np.asarray(rows, bool)]
    return bool((known == 0).any() and (known == 1).any())

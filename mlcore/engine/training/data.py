"""Labelled pictures for training, and how patients are divided."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.types import FloatArray


class Fold(StrEnum):
    """What a patient's images are used for, for good."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True)
class LabelledPictures:
    """Stored square pictures with what is known of them.

    `pictures` is (n, size, size) uint8, `labels` (n, classes) float32 of 0, 1 or
    NaN where nothing is known, `groups` the patient of each, `keys` its identity.
    """

    pictures: NDArray[np.uint8]
    labels: FloatArray
    groups: tuple[str, ...]
    keys: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.groups)

    def take(self, indices: Sequence[int] | NDArray[np.intp]) -> LabelledPictures:
        """The chosen rows."""
        chosen = np.asarray(indices, np.intp)
        return LabelledPictures(
            pictures=self.pictures[chosen],
            labels=self.labels[chosen],
            groups=tuple(self.groups[i] for i in chosen),
            keys=tuple(self.keys[i] for i in chosen),
        )

    def sha256(self) -> str:
        """A digest of pictures, labels and patients, independent of their order."""
        rows = sorted(
            hashlib.sha256(p.tobytes() + x.tobytes() + g.encode()).digest()
            for p, x, g in zip(self.pictures, self.labels, self.groups, strict=True)
        )
        return hashlib.sha256(b"".join(rows)).hexdigest()


@dataclass(frozen=True)
class TrainingData:
    """The three folds; no patient stands in two of them."""

    train: LabelledPictures
    validation: LabelledPictures
    test: LabelledPictures


def fold_of(group: str, *, key: bytes, validation: float = 0.1, test: float = 0.1) -> Fold:
    """The fold of a patient: a keyed hash, so that it never changes as data is added."""
    digest = hmac.new(key, group.encode(), hashlib.sha256).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < test:
        return Fold.TEST
    return Fold.VALIDATION if place < test + validation else Fold.TRAIN


def divide(pictures: LabelledPictures, *, key: bytes) -> TrainingData:
    """Divide by patient into training, validation and test."""
    folds = np.array([fold_of(group, key=key) for group in pictures.groups])
    rows = {fold: np.flatnonzero(folds == fold) for fold in Fold}
    return TrainingData(
        train=pictures.take(rows[Fold.TRAIN]),
        validation=pictures.take(rows[Fold.VALIDATION]),
        test=pictures.take(rows[Fold.TEST]),
    )

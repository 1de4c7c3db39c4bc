"""Whether an image is like labeled ones, from as few as ten of them, by a linear score.

Least squares with both sides weighing alike (Fisher's discriminant, shrunken). Where the
score begins to name is fixed by leaving each labeled patient out in turn, which least
squares answers in closed form (Allen 1974, PRESS), so that nothing is fitted twice.
An image that lies farther from the examples than these lie from each other is none of
them, whatever its score: a line goes on for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.types import FloatArray

SHRINKAGE = 0.1
"""How much the mean variance of the features is added to each."""
NAMED_WITHOUT = 0.02
"""Part of the labeled images without the condition that may be named, at most."""
NAMED_WITH = 0.25
"""Part of the examples that must be named when left out; below it the features do not tell them apart."""
BESIDE = 3
"""Nearest examples, of other patients, whose mean distance says whether an image is one of their kind."""
LEAST_OF_EACH = 5

Vectors = NDArray[np.float64]
Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Likeness:
    """A rule that says which images are like the examples, and how it did on the labeled ones."""

    examples: int
    examples_named: int
    """Of the examples, each patient left out in turn."""
    others: int
    others_named: int
    scale: _Scale
    coefficients: Vectors
    """(features + 1,), the last one the intercept."""
    limit: float
    rows: Vectors
    """(examples, features), standardized."""
    farthest: float

    def names(self, image: FloatArray) -> bool:
        """Tell whether an image (features,) is like the examples."""
        own = self.scale.apply(image)
        score = float(own @ self.coefficients[:-1] + self.coefficients[-1])
        return score > self.limit and float(_beside(_distances(own[None], self.rows))[0]) <= self.farthest


@dataclass(frozen=True)
class _Scale:
    mean: Vectors
    spread: Vectors

    def apply(self, features: FloatArray) -> Vectors:
        return np.asarray((np.asarray(features, np.float64) - self.mean) / self.spread)


def fit_likeness(features: FloatArray, *, is_example: Rows, groups: Sequence[str]) -> Likeness | None:
    """Learn from labeled images (n, features); None where these cannot be told apart.

    `groups` is the patient of each row.
    """
    if min(int(is_example.sum()), int((~is_example).sum())) < LEAST_OF_EACH:
        return None
    scale = _Scale(features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64) + 1e-3)
    rows = scale.apply(features)
    patients = np.unique(np.asarray(groups), return_inverse=True)[1]
    coefficients, left_out = _scores(rows, is_example=is_example, patients=patients)
    limit = float(np.quantile(left_out[~is_example], 1 - NAMED_WITHOUT, method="higher"))
    distances = _distances(rows, rows[is_example])
    distances[patients[:, None] == patients[is_example]] = np.inf
    beside = _beside(distances)
    within_reach = beside[is_example & np.isfinite(beside)]
    if not len(within_reach):
        return None
    farthest = float(within_reach.max())
    named = (left_out > limit) & (beside <= farthest)
    examples, others = int(is_example.sum()), int((~is_example).sum())
    if named[is_example].sum() < NAMED_WITH * examples:
        return None
    return Likeness(
        examples=examples,
        examples_named=int(named[is_example].sum()),
        others=others,
        others_named=int(named[~is_example].sum()),
        scale=scale,
        coefficients=coefficients,
        limit=limit,
        rows=rows[is_example],
        farthest=farthest,
    )


def _scores(rows: Vectors, *, is_example: Rows, patients: NDArray[np.intp]) -> tuple[Vectors, Vectors]:
    """The coefficients, and the score of each row by a fit without its patient."""
    target = np.where(is_example, 1.0, -1.0)
    weights = np.where(is_example, 0.5 / is_example.sum(), 0.5 / (~is_example).sum())
    inputs = np.column_stack([rows, np.ones(len(rows))])
    weighted = inputs * weights[:, None]
    moments = inputs.T @ weighted
    penalty = np.full(len(moments), SHRINKAGE * np.trace(moments[:-1, :-1]) / (len(moments) - 1))
    penalty[-1] = 1e-9
    inverse = np.linalg.inv(moments + np.diag(penalty))
    coefficients = inverse @ (weighted.T @ target)
    missed = target - inputs @ coefficients
    spanned = inputs @ inverse
    left_out = target - missed / (1.0 - np.einsum("ij,ij->i", spanned, weighted))
    for patient in np.flatnonzero(np.bincount(patients) > 1):
        members = np.flatnonzero(patients == patient)
        among = np.eye(len(members)) - spanned[members] @ weighted[members].T
        left_out[members] = target[members] - np.linalg.solve(among, missed[members])
    return coefficients, left_out


def _distances(rows: Vectors, others: Vectors) -> Vectors:
    squares = np.square(rows).sum(axis=1)[:, None] + np.square(others).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squares - 2 * rows @ others.T, 0.0)))


def _beside(distances: Vectors) -> Vectors:
    """Mean distance of each row to its `BESIDE` nearest; infinite where there are fewer."""
    if distances.shape[1] < BESIDE:
        return np.full(len(distances), np.inf)
    return np.asarray(np.partition(distances, BESIDE - 1, axis=1)[:, :BESIDE].mean(axis=1))

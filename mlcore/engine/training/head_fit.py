"""Fits linear heads on fixed features, pulled toward the head that is there already.

Logistic regression whose penalty is on the distance from the earlier head, not on
the size of the weights: where the data says nothing, what was known stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.evaluation.metrics import auroc
from mlcore.engine.types import FloatArray

STRENGTH = 0.003
"""Inverse of the pull, on standardized features; as of a head that is fitted from nothing."""
STRENGTHS = (STRENGTH, 0.03, 0.3, 3.0, 30.0)
"""What is tried where the images may choose."""
WORTH = 0.002
"""A weaker pull must raise the AUROC by more than this."""
SMOOTHING = 0.05
"""Part of each label that is given to the other side: a wrong label pulls less."""
CROSS_FOLDS = 5
ITERATIONS = 100

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """Standardizes features."""

    mean: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, features: FloatArray) -> Scale:
        """Fit on (n, features)."""
        return cls(features.mean(axis=0), features.std(axis=0) + np.float32(1e-3))

    def apply(self, features: FloatArray) -> Array:
        """(n, features), standardized."""
        return np.asarray((features - self.mean) / self.spread, np.float64)


@dataclass(frozen=True)
class Change:
    """What is added to a head for one class: to its kernel (features,) and to its bias."""

    kernel: FloatArray
    bias: float

    def logits(self, features: FloatArray) -> FloatArray:
        """What is added to the logits of (n, features)."""
        return np.asarray(features @ self.kernel + self.bias, np.float32)


def fit_change(
    features: FloatArray, labels: FloatArray, *, earlier: FloatArray, strength: float = STRENGTH
) -> Change:
    """Fit what to add to a head whose logits are `earlier`.

    `features` is (n, features), `labels` (n,) of 0 and 1, `earlier` (n,). Both classes
    count alike, however rare one is.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    scale = Scale.of(features)
    inputs = scale.apply(features)
    target = labels * (1 - SMOOTHING) + SMOOTHING / 2
    weights = _balance(labels)
    start = np.zeros(inputs.shape[1] + 1)

    def loss(parameters: Array) -> tuple[float, Array]:
        logits = earlier + inputs @ parameters[:-1] + parameters[-1]
        error = weights * (_sigmoid(logits) - target)
        values = weights * (np.logaddexp(0.0, logits) - target * logits)
        pull = parameters[:-1] / strength
        gradient = np.concatenate([inputs.T @ error + pull, [error.sum()]])
        return float(values.sum() + 0.5 * parameters[:-1] @ pull), gradient

    with threadpool_limits(1):  # threads that wait for each other cost more here than they give
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
    kernel = found.x[:-1] / scale.spread
    return Change(kernel.astype(np.float32), float(found.x[-1] - kernel @ scale.mean))


def choose_strength(
    features: FloatArray, labels: FloatArray, *, earlier: FloatArray, groups: tuple[str, ...], seed: int
) -> tuple[float, FloatArray]:
    """The strength that tells patients apart best who were not learned from, and what it adds to each row."""
    best: tuple[float, float, FloatArray] | None = None
    for strength in STRENGTHS:
        added = cross_fitted(features, labels, earlier=earlier, groups=groups, seed=seed, strength=strength)
        area = auroc(labels, earlier + added)
        if best is not None and not area > best[0] + WORTH:
            break
        best = area, strength, added
    assert best is not None  # noqa: S101
    return best[1], best[2]


def cross_fitted(
    features: FloatArray,
    labels: FloatArray,
    *,
    earlier: FloatArray,
    groups: tuple[str, ...],
    seed: int,
    strength: float = STRENGTH,
) -> FloatArray:
    """(n,) of what is added to each row's logit by a head fitted without the row's patient.

    Patients are dealt into folds by `seed`. Where a fold leaves one class only, or
    there are too few patients, nothing is added.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    added = np.zeros(len(labels), np.float32)
    count = min(CROSS_FOLDS, len(set(groups)))
    if count < 2 or len(np.unique(labels)) < 2:
        return added
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for learned, held_back in folds.split(features, _split_labels(labels, count), groups):
        if len(np.unique(labels[learned])) == 2:
            change = fit_change(
                features[learned], labels[learned], earlier=earlier[learned], strength=strength
            )
            added[held_back] = change.logits(features[held_back])
    return added


def _split_labels(labels: FloatArray, count: int) -> NDArray[np.int64]:
    """Labels to stratify by; all alike where one class has fewer rows than there are folds."""
    whole = labels.astype(np.int64)
    return whole if np.bincount(whole, minlength=2).min() >= count else np.zeros_like(whole)


def _balance(labels: FloatArray) -> Array:
    present = float(labels.mean())
    share = np.where(labels == 1, present, 1 - present)
    return np.asarray(0.5 / np.maximum(share, 1e-6), np.float64)


def _sigmoid(logits: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -60, 60))), np.float64)

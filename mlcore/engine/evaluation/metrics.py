"""Figures of merit, with intervals; scikit-learn's where it has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        return self.low, self.high

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def auroc(labels: Array, scores: Array) -> float:
    """Area under the receiver operating characteristic; NaN when only one class is there."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores)) if len(np.unique(labels)) == 2 else math.nan


def mean_auroc(labels: Array, scores: Array) -> float:
    """Mean of the AUROC over the columns that hold both classes; unknown (NaN) labels are left out."""
    areas = []
    for column in range(labels.shape[1]):
        known = np.isfinite(labels[:, column])
        areas.append(auroc(labels[known, column], scores[known, column]))
    found = [area for area in areas if not math.isnan(area)]
    return float(np.mean(found)) if found else 0.5


def wilson(successes: int, total: int) -> Estimate:
    """A proportion with Wilson's score interval (Wilson 1927)."""
    if total == 0:
        return Estimate(math.nan, 0.0, 1.0)
    share = successes / total
    middle = (share + Z95**2 / (2 * total)) / (1 + Z95**2 / total)
    spread = Z95 * math.sqrt(share * (1 - share) / total + Z95**2 / (4 * total**2)) / (1 + Z95**2 / total)
    low = 0.0 if successes == 0 else max(0.0, middle - spread)
    high = 1.0 if successes == total else min(1.0, middle + spread)
    return Estimate(share, low, high)


def sensitivity(labels: Array, suggested: Array) -> Estimate:
    """Part of the positives that are suggested."""
    positive = np.asarray(labels) == 1
    return wilson(int(np.sum(np.asarray(suggested, bool) & positive)), int(positive.sum()))


def specificity(labels: Array, suggested: Array) -> Estimate:
    """Part of the negatives that are not suggested."""
    negative = np.asarray(labels) == 0
    return wilson(int(np.sum(~np.asarray(suggested, bool) & negative)), int(negative.sum()))


def accuracy(labels: Array, suggested: Array) -> Estimate:
    """Part of all that is right."""
    right = np.asarray(labels) == np.asarray(suggested, bool)
    return wilson(int(right.sum()), right.size)


def brier_score(labels: Array, probabilities: Array) -> float:
    """Mean squared difference of probability and outcome."""
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(labels, probabilities))


def ece(labels: Array, probabilities: Array, *, bins: int = 15, weights: Array | None = None) -> float:
    """Expected calibration error over bins of equal width (Naeini 2015, Guo 2017).

    With (n,) `weights`, rows count as so many: that is how another prevalence is asked about.
    """
    labels, probabilities = np.asarray(labels, float), np.asarray(probabilities, float)
    counted = np.ones(len(labels)) if weights is None else np.asarray(weights, float)
    at = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = np.bincount(at, counted * (labels - probabilities), bins)
    return float(np.abs(gaps).sum() / max(1e-12, counted.sum()))


def precision_at_k(labels: Array, neighbors: Array) -> float:
    """Mean part of each row's neighbors that share its label.

    `labels` is (n,), `neighbors` (n, k) indices into it, negative where there is none.
    """
    found = neighbors >= 0
    same = (labels[np.where(found, neighbors, 0)] == labels[:, None]) & found
    return float(same.sum() / max(1, found.sum()))


def bootstrap(
    labels: Array,
    scores: Array,
    *,
    measure: Callable[[Array, Array], float],
    groups: Array | None = None,
    rounds: int = 1000,
    seed: int = 0,
) -> Estimate:
    """A figure with the percentile bootstrap's interval, drawing whole patients where `groups` names them."""
    names = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1]
    members = [np.flatnonzero(names == name) for name in range(int(names.max()) + 1)]
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        rows = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        values.append(measure(labels[rows], scores[rows]))
    low, high = np.nanquantile(values, [0.025, 0.975])
    return Estimate(measure(labels, scores), float(low), float(high))

"""From logits to probabilities (Platt 1999), one condition at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlcore.engine.types import FloatArray


@dataclass(frozen=True)
class Calibration:
    """probability = 1 / (1 + exp(-(slope * logit + intercept)))."""

    slope: float = 1.0
    intercept: float = 0.0

    def probability(self, logit: float) -> float:
        """The calibrated probability of one logit."""
        value = max(-60.0, min(60.0, self.slope * logit + self.intercept))
        return 1.0 / (1.0 + math.exp(-value))

    def probabilities(self, logits: FloatArray) -> FloatArray:
        """The calibrated probabilities of many logits."""
        values = np.clip(self.slope * np.asarray(logits, np.float64) + self.intercept, -60.0, 60.0)
        return np.asarray(1.0 / (1.0 + np.exp(-values)), np.float32)


def prevalence_weights(labels: FloatArray, *, prevalence: float | None) -> FloatArray:
    """(n,) weights under which `prevalence` of the labels are 1; all alike where it is None."""
    share = float(np.mean(labels))
    if prevalence is None or not 0.0 < share < 1.0:
        return np.ones(len(labels), np.float32)
    weights = np.where(labels == 1, prevalence / share, (1.0 - prevalence) / (1.0 - share))
    return np.asarray(weights, np.float32)


def fit_calibration(
    logits: FloatArray, labels: FloatArray, *, prevalence: float | None = None
) -> Calibration:
    """Fit slope and intercept by maximum likelihood; the identity when only one class is there.

    The probabilities hold where the condition is as frequent as `prevalence` says, by
    default as in the labels.
    """
    from sklearn.linear_model import LogisticRegression

    known = np.isfinite(labels)
    if len(np.unique(labels[known])) < 2:
        return Calibration()
    weights = prevalence_weights(labels[known], prevalence=prevalence)
    fitted = LogisticRegression(C=1e6, max_iter=1000)
    fitted.fit(logits[known, None], labels[known].astype(int), sample_weight=weights)
    return Calibration(slope=float(fitted.coef_[0, 0]), intercept=float(fitted.intercept_[0]))

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


def fit_calibration(logits: FloatArray, labels: FloatArray) -> Calibration:
    """Fit slope and intercept by maximum likelihood; the identity when only one class is there."""
    from sklearn.linear_model import LogisticRegression

    known = np.isfinite(labels)
    if len(np.unique(labels[known])) < 2:
        return Calibration()
    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(logits[known, None], labels[known].astype(int))
    return Calibration(slope=float(fitted.coef_[0, 0]), intercept=float(fitted.intercept_[0]))

"""Refits calibration and operating point of one condition, near to what they were."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.evaluation.metrics import accuracy, auroc, brier_score, ece, sensitivity, specificity
from mlcore.engine.inference.calibration import Calibration
from mlcore.engine.training.calibrate import BOUNDS, SENSITIVITY_AS_STORED
from mlcore.engine.types import FloatArray, OperatingPoint

PRIOR_IMAGES = 30.0
"""As many images as the earlier calibration counts for."""
THRESHOLDS = tuple(np.linspace(*BOUNDS, 31).tolist())
"""Operating points that are tried beside the usual one and the earlier one."""
RATE_KEPT = 0.01
"""How much of its sensitivity, and of its specificity, the earlier operating point may lose."""


@dataclass(frozen=True)
class Operation:
    """How a logit becomes a probability, and a probability a suggestion."""

    calibration: Calibration
    threshold: float

    def suggests(self, logits: FloatArray) -> NDArray[np.bool_]:
        """(n,) logits to (n,) suggestions."""
        return self.calibration.probabilities(logits) >= self.threshold


def choose_operation(
    logits: FloatArray,
    labels: FloatArray,
    *,
    earlier: FloatArray,
    before: Operation | None,
    flips_allowed: float,
) -> Operation | None:
    """Calibrate, and choose the operating point; None where each choice spoils too many right answers.

    `logits` are the new ones, `earlier` the incumbent's, whose operation is `before`;
    without one, any operation is good. Chosen is the point at which the one of sensitivity
    and specificity that gains less gains most, so that neither pays for the other.
    """
    start = before.calibration if before else Calibration()
    fitted = calibrate_near(logits, labels, start=start)
    chosen = _threshold(fitted.probabilities(logits)[labels == 1])
    if before is None:
        return Operation(fitted, chosen)
    present = labels == 1
    was_right = before.suggests(earlier) == present
    best: tuple[float, float, Operation] | None = None
    for threshold in (chosen, before.threshold, *THRESHOLDS):
        operation = Operation(fitted, threshold)
        right = operation.suggests(logits) == present
        flips = float(np.mean(was_right & ~right))
        worse = min(_change(right, was_right, side) for side in (present, ~present))
        if flips <= flips_allowed and not worse < -RATE_KEPT and (best is None or (worse, -flips) > best[:2]):
            best = worse, -flips, operation
    return best[2] if best else None


def _change(right: NDArray[np.bool_], was_right: NDArray[np.bool_], rows: NDArray[np.bool_]) -> float:
    """How much more often the rows are answered right than before; nothing where there are none."""
    return float(right[rows].mean() - was_right[rows].mean()) if rows.any() else 0.0


def calibrate_near(logits: FloatArray, labels: FloatArray, *, start: Calibration) -> Calibration:
    """Slope and intercept by maximum likelihood, held near `start` while there are few images."""
    from scipy.optimize import minimize

    values, target = np.asarray(logits, np.float64), np.asarray(labels, np.float64)
    if len(np.unique(target)) < 2:
        return start
    origin = np.array([start.slope, start.intercept])
    reach = np.array([0.5 * max(abs(start.slope), 0.2), 1.0])

    def loss(parameters: NDArray[np.float64]) -> float:
        found = parameters[0] * values + parameters[1]
        fit = np.logaddexp(0.0, found) - target * found
        distance = np.square((parameters - origin) / reach).sum()
        return float(fit.sum() + 0.5 * distance * math.sqrt(PRIOR_IMAGES))

    slope, intercept = minimize(loss, origin, method="L-BFGS-B", bounds=[(0.05, 20.0), (-20.0, 20.0)]).x
    return Calibration(slope=float(slope), intercept=float(intercept))


def measured_point(
    labels: FloatArray, probabilities: FloatArray, *, threshold: float
) -> tuple[OperatingPoint, dict[str, float]]:
    """What the operating point gives on labelled images, and the figures of merit that are defined."""
    suggested = probabilities >= threshold
    found, spared = sensitivity(labels, suggested), specificity(labels, suggested)
    point = OperatingPoint(
        threshold=threshold,
        sensitivity=_number(found.value),
        specificity=_number(spared.value),
        sensitivity_interval=found.interval,
        specificity_interval=spared.interval,
    )
    if len(labels) == 0:
        return point, {}
    figures = {
        "auroc": auroc(labels, probabilities),
        "accuracy": accuracy(labels, suggested).value,
        "sensitivity": found.value,
        "specificity": spared.value,
        "ece": ece(labels, probabilities),
        "brier_score": brier_score(labels, probabilities),
    }
    return point, {name: float(value) for name, value in figures.items() if not math.isnan(value)}


def _threshold(present: FloatArray) -> float:
    """The highest probability that keeps the sensitivity, within bounds."""
    if len(present) == 0:
        return 0.5
    kept = float(np.quantile(present, 1 - SENSITIVITY_AS_STORED, method="lower"))
    return float(np.clip(kept, *BOUNDS))


def _number(value: float) -> float:
    """An unmeasured rate counts as none: its interval says that nothing is known."""
    return 0.0 if math.isnan(value) else value

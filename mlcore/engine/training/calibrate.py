"""Fits calibration and operating points on the validation fold and its shifted copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlcore.engine.inference.calibration import Calibration, fit_calibration
from mlcore.engine.types import FloatArray

SENSITIVITY_AS_STORED = 0.965
SENSITIVITY_SHIFTED = 0.95
"""What the operating point keeps, on validation as stored and on average over its copies."""
BOUNDS = (0.2, 0.95)
"""An operating point is never more extreme than this."""


@dataclass(frozen=True)
class Calibrated:
    """By condition."""

    calibrations: Mapping[str, Calibration]
    thresholds: Mapping[str, float]


def calibrate(
    outputs: Mapping[str, Mapping[str, FloatArray]],
    *,
    labels: FloatArray,
    classes: tuple[str, ...],
    prevalence: float | None = None,
) -> Calibrated:
    """Fit on `outputs` by the name of the shift; "as stored" is one of them.

    Probabilities hold for `prevalence`, by default for that of the labels.

    The known failure on unseen radiographs is calling healthy children ill, so the
    operating point is the highest that still keeps the sensitivities asked for.
    """
    calibrations, thresholds = {}, {}
    for index, code in enumerate(classes):
        known = np.isfinite(labels[:, index])
        target = labels[known, index]
        logits = {name: out["logits"][known, index] for name, out in outputs.items()}
        copies = np.concatenate(list(logits.values()))
        fitted = fit_calibration(copies, np.tile(target, len(logits)), prevalence=prevalence)
        calibrations[code] = fitted
        stored = fitted.probabilities(logits["as stored"][target == 1])
        shifted = fitted.probabilities(np.concatenate([x[target == 1] for x in logits.values()]))
        thresholds[code] = _threshold(stored, shifted)
    return Calibrated(calibrations=calibrations, thresholds=thresholds)


def _threshold(stored: FloatArray, shifted: FloatArray) -> float:
    """The highest probability that keeps both sensitivities, within bounds."""
    if len(stored) == 0:
        return 0.5
    at_stored = float(np.quantile(stored, 1 - SENSITIVITY_AS_STORED, method="lower"))
    at_shifted = float(np.quantile(shifted, 1 - SENSITIVITY_SHIFTED, method="lower"))
    return float(np.clip(min(at_stored, at_shifted), *BOUNDS))

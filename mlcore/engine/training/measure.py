"""The figures of a model on its test fold, as it is and shifted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlcore.engine.evaluation.metrics import (
    accuracy,
    auroc,
    bootstrap,
    brier_score,
    ece,
    precision_at_k,
    sensitivity,
    specificity,
)
from mlcore.engine.evaluation.shifts import SHIFTS, shifted
from mlcore.engine.inference.calibration import prevalence_weights
from mlcore.engine.inference.embedding import Projection
from mlcore.engine.inference.runtime import RunnableNetwork
from mlcore.engine.training.batches import plain_inputs
from mlcore.engine.training.calibrate import Calibrated
from mlcore.engine.training.data import LabelledPictures
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.types import FloatArray, OperatingPoint

NEIGHBORS = 5


@dataclass(frozen=True)
class Measured:
    """Figures of merit."""

    operating_points: Mapping[str, OperatingPoint]
    metrics: Mapping[str, float]
    figures: Mapping[str, Mapping[str, Any]]
    """By condition and shift: auroc, ece, sensitivity and so on."""


def measure(
    network: RunnableNetwork,
    test: LabelledPictures,
    *,
    plan: TrainingPlan,
    calibrated: Calibrated,
    prevalence: float | None = None,
    projection: Projection,
    gallery: tuple[Mapping[str, FloatArray], LabelledPictures],
) -> Measured:
    """Measure on every shift of the test fold; intervals are of the fold as stored.

    `ece` is of the fold as it is; with `prevalence`, `ece_at_prevalence` is of the fold
    weighted to it.
    """
    outputs = {
        name: network.run_each(plain_inputs(shifted(test.pictures, name=name), plan=plan)) for name in SHIFTS
    }
    figures: dict[str, dict[str, Any]] = {}
    points: dict[str, OperatingPoint] = {}
    metrics: dict[str, float] = {}
    for index, code in enumerate(plan.classes):
        target = test.labels[:, index]
        known = np.isfinite(target)
        threshold = calibrated.thresholds[code]
        scores = {
            name: calibrated.calibrations[code].probabilities(out["logits"][known, index])
            for name, out in outputs.items()
        }
        figures[code] = {
            name: _figures(target[known], p, threshold, prevalence=prevalence) for name, p in scores.items()
        }
        points[code] = _operating_point(target[known], scores["as stored"], threshold)
        own = figures[code]["as stored"]
        area = bootstrap(
            target[known], scores["as stored"], measure=auroc, groups=np.array(test.groups)[known]
        )
        metrics |= {f"{code}_{name}": value for name, value in own.items()}
        metrics |= {f"{code}_auroc_low": area.low, f"{code}_auroc_high": area.high}
        metrics[f"{code}_precision_at_{NEIGHBORS}"] = _precision(
            outputs["as stored"], test, projection=projection, gallery=gallery, index=index
        )
    metrics["auroc"] = float(np.mean([metrics[f"{code}_auroc"] for code in plan.classes]))
    return Measured(operating_points=points, metrics=metrics, figures=figures)


def _figures(
    target: FloatArray, probabilities: FloatArray, threshold: float, *, prevalence: float | None
) -> dict[str, float]:
    suggested = probabilities >= threshold
    weights = prevalence_weights(target, prevalence=prevalence)
    own = {} if prevalence is None else {"ece_at_prevalence": ece(target, probabilities, weights=weights)}
    return {
        **own,
        "auroc": auroc(target, probabilities),
        "accuracy": accuracy(target, suggested).value,
        "sensitivity": sensitivity(target, suggested).value,
        "specificity": specificity(target, suggested).value,
        "ece": ece(target, probabilities),
        "brier_score": brier_score(target, probabilities),
    }


def _operating_point(target: FloatArray, probabilities: FloatArray, threshold: float) -> OperatingPoint:
    found, spared = (rate(target, probabilities >= threshold) for rate in (sensitivity, specificity))
    return OperatingPoint(
        threshold=threshold,
        sensitivity=found.value,
        specificity=spared.value,
        sensitivity_interval=found.interval,
        specificity_interval=spared.interval,
    )


def _precision(
    outputs: Mapping[str, FloatArray],
    test: LabelledPictures,
    *,
    projection: Projection,
    gallery: tuple[Mapping[str, FloatArray], LabelledPictures],
    index: int,
) -> float:
    """Part of the nearest training images, of other patients by the split, that share the label."""
    shown, known = gallery
    similar = projection.apply(outputs["embedding"]) @ projection.apply(shown["embedding"]).T
    nearest = np.argsort(-similar, axis=1)[:, :NEIGHBORS] + len(test)
    labels = np.concatenate([test.labels[:, index], known.labels[:, index]])
    rows = np.concatenate([nearest, np.full((len(known), NEIGHBORS), -1)])
    return precision_at_k(labels, rows)

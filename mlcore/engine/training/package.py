"""From a trained network to a model file: compile, calibrate, choose, measure, write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.engine.artifacts import pack_arrays, write_artifact
from mlcore.engine.evaluation.shifts import shifted
from mlcore.engine.inference.embedding import fit_projection
from mlcore.engine.training.alignment import measure_offset
from mlcore.engine.training.batches import plain_inputs
from mlcore.engine.training.calibrate import calibrate
from mlcore.engine.training.data import LabelledPictures, TrainingData
from mlcore.engine.training.measure import measure
from mlcore.engine.training.outside import OutsideExamples
from mlcore.engine.training.refusing import fit_refusal
from mlcore.engine.training.serving_form import serving_form
from mlcore.engine.training.trainer import TrainedNetwork
from mlcore.engine.types import FloatArray, ModelFacts

CALIBRATION_SHIFTS = (
    "as stored", "low contrast", "gamma 0.7", "gamma 1.4", "blur", "JPEG 30", "half size", "cropped 6 %",
    "padded above", "padded at the sides",
)  # fmt: skip
FAMILIAR_SHIFTS = ("as stored", "blur", "JPEG 30", "half size", "cropped 6 %", "padded above")
"""Copies by which a radiograph may come and still be answered."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Description:
    """What a model file says in words."""

    name: str
    examination_type: str
    created_at: str
    intended_use: str = ""
    limits: tuple[str, ...] = ()
    validated_ages: tuple[int, int] | None = None
    """Youngest and oldest, in completed years."""


def write_model(
    trained: TrainedNetwork,
    data: TrainingData,
    *,
    output: Path,
    described: Description,
    outside: OutsideExamples | None = None,
    prevalence: float | None = None,
    say: Say = print,
) -> ModelFacts:
    """Turn a trained network into a model file and return what the file says of itself.

    Calibration, operating points and the limit of distance come from the validation
    fold; every figure of merit in the file from the test fold. With `outside`, the
    model also knows such images by what they look like. Probabilities hold for
    `prevalence`, by default for that of the validation fold.
    """
    plan = trained.plan
    served = serving_form(trained.model)
    network = served.network
    say("compiled")
    train = network.run_each(plain_inputs(data.train.pictures, plan=plan))
    validation = {
        name: network.run_each(plain_inputs(shifted(data.validation.pictures, name=name), plan=plan))
        for name in CALIBRATION_SHIFTS
    }
    say("described the training and validation folds")
    calibrated = calibrate(
        validation, labels=data.validation.labels, classes=plan.classes, prevalence=prevalence
    )
    refusal = fit_refusal(
        network,
        data,
        plan=plan,
        train=train["layers"],
        validation={name: validation[name]["layers"] for name in FAMILIAR_SHIFTS},
        outside=outside,
    )
    say("learned what is refused")
    projection = fit_projection(train["embedding"])
    say("calibrated; measuring on the test fold")
    measured = measure(
        network,
        data.test,
        plan=plan,
        calibrated=calibrated,
        prevalence=prevalence,
        projection=projection,
        gallery=(train, data.train),
    )
    facts = _facts(trained, data, described=described, measured=measured, size=projection.size)
    settings = {
        "plan": plan.as_dict(),
        "preprocessing": plan.preprocessing.as_dict(),
        "calibration": {code: asdict(c) for code, c in calibrated.calibrations.items()},
        "refusal": refusal.settings(),
        "prevalence": prevalence,
        "saliency_references": _references(train["maps"], data.train, classes=plan.classes),
        "map_offset": measure_offset(network, data.validation.pictures, plan=plan),
        "shared_weights": dict(served.shared_weights),
        "initial_weights": trained.initial_weights,
        "history": trained.history,
        "best_epoch": trained.best_epoch,
        "figures": measured.figures,
    }
    statistics = pack_arrays(
        {
            "projection_mean": projection.mean,
            "projection_matrix": projection.matrix,
            **refusal.statistics(),
        }
    )
    members = {**served.members, "statistics.npz": statistics}
    write_artifact(output, facts=facts, settings=settings, members=members)
    return facts


def _references(maps: FloatArray, data: LabelledPictures, *, classes: tuple[str, ...]) -> dict[str, float]:
    """By condition: the middle peak of the maps of training images that have it."""
    peaks = maps.max(axis=(1, 2))
    found = {}
    for index, code in enumerate(classes):
        present = peaks[data.labels[:, index] == 1, index]
        found[code] = float(np.median(present)) if len(present) else 1.0
    return found


def _facts(
    trained: TrainedNetwork, data: TrainingData, *, described: Description, measured: Any, size: int
) -> ModelFacts:
    digest = data.train.sha256()
    plan = trained.plan
    return ModelFacts(
        name=described.name,
        architecture=plan.architecture,
        classes=plan.classes,
        examination_type=described.examination_type,
        operating_points=measured.operating_points,
        metrics=measured.metrics,
        embedding_version=f"{plan.architecture}-{digest[:8]}-{plan.seed}-{trained.best_epoch}",
        embedding_size=size,
        dataset_sha256=digest,
        created_at=described.created_at,
        intended_use=described.intended_use,
        limits=described.limits,
        validated_ages=described.validated_ages,
    )

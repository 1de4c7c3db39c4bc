"""Fits what a model refuses: distance, parts of radiographs, and what lies outside of its range.

A radiograph that came by another road, blurred a little, half the size, compressed, is
still one. So the distance is fitted on training pictures as they are and randomly changed,
and all limits are those that refuse few of the validation pictures and of familiar copies of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlcore.engine.inference.outliers import Distance, fit_distance
from mlcore.engine.inference.quality import QualityLimits
from mlcore.engine.inference.refusal import softened
from mlcore.engine.inference.runtime import RunnableNetwork
from mlcore.engine.inference.validated_range import ValidatedRange
from mlcore.engine.training.batches import plain_inputs
from mlcore.engine.training.data import TrainingData
from mlcore.engine.training.outside import OutsideExamples, describe_changed, fit_validated_range
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.types import FloatArray

REFUSED_OF_VALIDATION = 0.02
"""Part of the validation images, as they are and in familiar copies, that lies beyond the limit."""
PART_SIDES = (0.33, 0.67)
PARTS = 1500
"""Training images of which a part is looked at, to know a cropped image."""
OTHERS_AS_PARTS = 0.02
"""Part of the examples from outside of the validated range that may be called a part of an image."""
EVERY = 2
"""Of so many training images one is changed as well."""


@dataclass(frozen=True)
class FittedRefusal:
    """All limits, and the arrays that go with them."""

    distance: Distance
    limit: float
    cropped: Distance
    cropped_limit: float
    validated: ValidatedRange | None

    def settings(self) -> dict[str, Any]:
        """As the model file holds them."""
        found: dict[str, Any] = {
            "limit": self.limit,
            "cropped_limit": self.cropped_limit,
            "quality": QualityLimits().as_dict(),
        }
        if self.validated is not None:
            told = self.validated
            outside = {"bias": told.bias, "farthest": told.farthest, "message": told.message}
            found |= {"outside": outside, "outside_limit": told.limit}
        return found

    def statistics(self) -> dict[str, NDArray[Any]]:
        """As the model file holds them."""
        return {
            **({} if self.validated is None else {"outside_kernel": self.validated.kernel}),
            "distance_mean": self.distance.mean,
            "distance_whitening": self.distance.whitening,
            "cropped_mean": self.cropped.mean,
            "cropped_whitening": self.cropped.whitening,
        }


def fit_refusal(
    network: RunnableNetwork,
    data: TrainingData,
    *,
    plan: TrainingPlan,
    train: FloatArray,
    validation: Mapping[str, FloatArray],
    outside: OutsideExamples | None,
) -> FittedRefusal:
    """Fit on the training fold; every limit comes from the validation fold.

    `train` is (n, features) of the training fold as it is, `validation` of the other by the
    name of the copy, among them those by which an image may come and still be answered.
    """
    how, seed = plan.preprocessing, plan.seed
    changed = describe_changed(network, data.train.pictures[::EVERY], how=how, seed=(seed, 0))
    inside = np.concatenate([train, changed])
    held = np.concatenate(list(validation.values()))
    distance = fit_distance(inside)
    parts = [_parts(fold.pictures[:PARTS], seed=seed) for fold in (data.train, data.validation)]
    cropped, cropped_held = (network.run_each(plain_inputs(p, plan=plan))["layers"] for p in parts)
    of_parts = fit_distance(cropped)
    validated = None
    if outside is not None:
        validated = fit_validated_range(
            network, outside, plan=plan, distance=distance, inside=inside, held_back=held
        )
    cropped_limit = float(np.quantile(of_parts.of(cropped_held), 1 - REFUSED_OF_VALIDATION))
    if outside is not None:
        cropped_limit = min(cropped_limit, _limit_of_others(network, outside, plan=plan, of_parts=of_parts))
    return FittedRefusal(
        distance=distance,
        limit=float(np.quantile(distance.of(held), 1 - REFUSED_OF_VALIDATION)),
        cropped=of_parts,
        cropped_limit=cropped_limit,
        validated=validated,
    )


def _limit_of_others(
    network: RunnableNetwork, outside: OutsideExamples, *, plan: TrainingPlan, of_parts: Distance
) -> float:
    """The distance within which few of the examples from outside of the range would pass for parts."""
    looks = (outside.pictures, np.stack([softened(picture) for picture in outside.pictures]))
    found = [of_parts.of(network.run_each(plain_inputs(p, plan=plan))["layers"]) for p in looks]
    return float(np.quantile(np.minimum(*found), OTHERS_AS_PARTS))


def _parts(pictures: NDArray[np.uint8], *, seed: int) -> NDArray[np.uint8]:
    """Of each picture a square part with a third to two thirds of its side, anywhere."""
    rng, side = np.random.default_rng(seed), pictures.shape[1]
    parts = []
    for picture in pictures:
        size = int(side * rng.uniform(*PART_SIDES))
        top, left = rng.integers(0, side - size, 2)
        part = Image.fromarray(picture[top : top + size, left : left + size])
        parts.append(np.asarray(part.resize((side, side), Image.Resampling.BILINEAR)))
    return np.stack(parts)

"""Widens what a model holds for familiar by the images that were signed since.

The distance of an artifact is one of whitened features. In their space the images it
was fitted on have mean 0 and covariance 1, so they need not be there: they enter as
so many images of that mean and covariance, and the signed ones join them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlcore.engine.artifacts import Artifact, pack_arrays
from mlcore.engine.inference.outliers import Distance
from mlcore.engine.training.data import Fold
from mlcore.engine.training.features import LabelledFeatures
from mlcore.engine.training.refusing import REFUSED_OF_VALIDATION
from mlcore.engine.types import FloatArray

EARLIER_IMAGES = 1000
"""As many images as the earlier statistics count for."""
LEAST_IMAGES = 20
"""Validation images from which a limit may be raised."""


def widened(distance: Distance, features: Any) -> Distance:
    """The distance as if fitted on the earlier images and on (n, features) of new ones together."""
    placed = np.asarray((features - distance.mean) @ distance.whitening, np.float64)
    total = EARLIER_IMAGES + len(placed)
    center = placed.sum(axis=0) / total
    second = (EARLIER_IMAGES * np.eye(placed.shape[1]) + placed.T @ placed) / total
    values, vectors = np.linalg.eigh(second - np.outer(center, center))
    root = vectors / np.sqrt(np.maximum(values, 1e-6)) @ vectors.T
    mean = distance.mean + center @ np.linalg.pinv(distance.whitening.astype(np.float64))
    return Distance(mean=mean.astype(np.float32), whitening=(distance.whitening @ root).astype(np.float32))


def widened_statistics(incumbent: Artifact, data: LabelledFeatures) -> tuple[bytes, dict[str, float]]:
    """The artifact's statistics with the signed training images in them, and the limits that go with them.

    The limits are only ever raised, to what refuses as few of the validation images as
    they did when the model was made.
    """
    arrays = incumbent.arrays("statistics.npz")
    earlier = Distance(
        mean=np.asarray(arrays["distance_mean"], np.float32),
        whitening=np.asarray(arrays["distance_whitening"], np.float32),
    )
    limit = float(incumbent.settings["refusal"]["limit"])
    train, held = data.of(Fold.TRAIN), data.of(Fold.VALIDATION)
    distance = widened(earlier, data.layers[train]) if train.any() else earlier
    if held.sum() >= LEAST_IMAGES:
        seen = distance.of(data.layers[held])
        limit = max(limit, float(np.quantile(seen, 1 - REFUSED_OF_VALIDATION)))
    limits = {"limit": limit, **_outside_limit(incumbent, arrays, data.layers[held])}
    statistics = {**arrays, "distance_mean": distance.mean, "distance_whitening": distance.whitening}
    return pack_arrays(statistics), limits


def _outside_limit(
    incumbent: Artifact, arrays: Mapping[str, Any], validation: FloatArray
) -> dict[str, float]:
    """The limit of what looks outside of the validated range, raised where such images were signed."""
    refusal = incumbent.settings["refusal"]
    if "outside" not in refusal or len(validation) < LEAST_IMAGES:
        return {}
    seen = validation @ arrays["outside_kernel"] + refusal["outside"]["bias"]
    return {
        "outside_limit": max(refusal["outside_limit"], float(np.quantile(seen, 1 - REFUSED_OF_VALIDATION)))
    }

"""How far an image lies from the images a model was validated on.

Pooled features of several early layers are whitened, and the distance is measured
along the components in which the images of the examination type hardly vary: what
all of them have in common is what another kind of image breaks. (Mahalanobis
distance, Lee 2018, arXiv:1807.03888, on the residual space of Wang 2022,
arXiv:2203.10807.) No outlier is needed to fit it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlcore.engine.types import FloatArray

KEPT = 0.5
"""Part of the components that is kept, those of least variance."""
LEAST_VARIANCE = 1e-6
"""Of standardized features; below it is rounding."""


@dataclass(frozen=True)
class Distance:
    """Root mean square of whitened features: near 1 for images like those it was fitted on."""

    mean: FloatArray
    """(features,)"""
    whitening: FloatArray
    """(features, components)"""

    def of(self, features: FloatArray) -> FloatArray:
        """Distances of (n, features), or of one (features,)."""
        whitened = (features - self.mean) @ self.whitening
        return np.asarray(np.sqrt(np.mean(np.square(whitened), axis=-1)), np.float32)


def fit_distance(features: FloatArray, *, kept: float = KEPT) -> Distance:
    """Fit on (n, features) of images of the examination type."""
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    standardized = ((features - mean) / scale).astype(np.float64)
    values, vectors = np.linalg.eigh(standardized.T @ standardized / len(features))
    count = max(1, int(kept * features.shape[1]))
    spread = np.sqrt(np.maximum(values[:count], LEAST_VARIANCE))
    whitening = vectors[:, :count] / spread / scale[:, None]
    return Distance(mean=mean.astype(np.float32), whitening=whitening.astype(np.float32))

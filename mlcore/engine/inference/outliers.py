"""How far an image lies from the images a model was validated on.

Mahalanobis distance (Lee 2018, arXiv:1807.03888) on pooled features of several
layers, with the covariance shrunk (Ledoit & Wolf 2004). Only images of the
examination type itself are needed to fit it; no outlier is ever shown to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlcore.engine.types import FloatArray


@dataclass(frozen=True)
class Distance:
    """Root mean square of whitened features: near 1 for images like those it was fitted on."""

    mean: FloatArray
    """(features,)"""
    whitening: FloatArray
    """(features, features)"""

    def of(self, features: FloatArray) -> FloatArray:
        """Distances of (n, features), or of one (features,)."""
        whitened = (features - self.mean) @ self.whitening
        return np.asarray(np.sqrt(np.mean(np.square(whitened), axis=-1)), np.float32)


def fit_distance(features: FloatArray) -> Distance:
    """Fit mean and shrunk covariance on (n, features)."""
    from sklearn.covariance import LedoitWolf

    scale = features.std(axis=0) + 1e-6
    estimated = LedoitWolf().fit((features / scale).astype(np.float64))
    values, vectors = np.linalg.eigh(estimated.covariance_)
    whitening = vectors / np.sqrt(np.maximum(values, 1e-9)) / scale[:, None]
    return Distance(mean=features.mean(axis=0).astype(np.float32), whitening=whitening.astype(np.float32))

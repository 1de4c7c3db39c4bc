"""The short unit vector by which similar images are found: whitened principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlcore.engine.types import FloatArray


@dataclass(frozen=True)
class Projection:
    """(features,) to (size,) of unit length."""

    mean: FloatArray
    """(features,)"""
    matrix: FloatArray
    """(features, size)"""

    @property
    def size(self) -> int:
        return int(self.matrix.shape[1])

    def apply(self, features: FloatArray) -> FloatArray:
        """Project (features,) or (n, features) and scale to unit length."""
        flat = (features - self.mean) @ self.matrix
        norm = np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-12)
        return np.asarray(flat / norm, np.float32)


def fit_projection(features: FloatArray, *, size: int = 128, whiten: float = 0.5) -> Projection:
    """Principal components of (n, features); `whiten` 0 keeps their spread, 1 makes it equal."""
    mean = features.mean(axis=0)
    count = min(size, features.shape[1], len(features))
    _, values, rows = np.linalg.svd(features - mean, full_matrices=False)
    scale = (values[:count] + 1e-6 * values[0]) ** -whiten
    return Projection(mean=mean.astype(np.float32), matrix=(rows[:count].T * scale).astype(np.float32))

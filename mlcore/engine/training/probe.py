"""Fits the head of a network alone: logistic regression on its embedding."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlcore.engine.types import FloatArray

STRENGTH = 0.003
"""Inverse of the penalty on standardized features."""


def fit_head(model: Any, *, embeddings: FloatArray, labels: FloatArray) -> None:
    """Set the head's kernel and bias by balanced logistic regression, one condition at a time."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = embeddings.mean(axis=0), embeddings.std(axis=0) + 1e-3
    standardized = (embeddings - mean) / scale
    kernel, bias = model.get_layer("maps").get_weights()
    kernel, bias = kernel.copy(), bias.copy()
    for index in range(labels.shape[1]):
        known = np.isfinite(labels[:, index])
        target = labels[known, index].astype(int)
        if len(np.unique(target)) < 2:
            continue
        fitted = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=500)
        fitted.fit(standardized[known], target)
        weights = fitted.coef_[0] / scale
        kernel[0, 0, :, index] = weights
        bias[index] = fitted.intercept_[0] - float(weights @ mean)
    model.get_layer("maps").set_weights([kernel, bias])

"""Is this picture good enough to be read at all? Measured on pixels, before the network."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mlcore.engine.types import FloatArray, Withheld, WithheldReason

DARK, BRIGHT = 0.1, 0.9


@dataclass(frozen=True)
class QualityLimits:
    """Limits of a readable picture, far outside of what training images measure; stored in the artifact."""

    least_spread: float = 0.1
    """Of gray, between the 1st and 99th percentile."""
    most_noise: float = 0.06
    """Mean difference from the median of neighbors, as a part of the spread."""
    least_sharpness: float = 0.005
    """Mean square of the Laplacian at half size, as a part of the variance."""
    most_constant: float = 0.6
    """Part of the picture that is one single gray value."""

    def as_dict(self) -> dict[str, Any]:
        """The limits as plain values, for JSON."""
        return asdict(self)


def measure_quality(stored: FloatArray) -> dict[str, float]:
    """Named measurements of a stored square gray picture in [0, 1]."""
    low, high = (float(v) for v in np.quantile(stored, [0.01, 0.99]))
    spread = high - low
    half = stored.reshape(stored.shape[0] // 2, 2, stored.shape[1] // 2, 2).mean(axis=(1, 3))
    variance = float(half.var())
    return {
        "brightness": float(stored.mean()),
        "spread": spread,
        "noise": _noise(stored) / max(spread, 1e-6),
        "sharpness": _laplacian(half) / max(variance, 1e-9),
        "constant": _constant(stored),
    }


def check_quality(measured: dict[str, float], *, limits: QualityLimits) -> Withheld | None:
    """The reason to withhold an unreadable picture, or None."""
    if measured["spread"] < limits.least_spread:
        return _poor(_blank_sentence(measured["brightness"]), measured["spread"], limits.least_spread)
    if measured["constant"] > limits.most_constant:
        return _poor(
            "Most of the image is one single gray value: send the image uncovered and without wide borders.",
            measured["constant"],
            limits.most_constant,
        )
    if measured["noise"] > limits.most_noise:
        return _poor(
            "The image is mostly noise: repeat the exposure or export it again.",
            measured["noise"],
            limits.most_noise,
        )
    if measured["sharpness"] < limits.least_sharpness:
        return _poor(
            "The image is too blurred to be read: send the image at its full resolution.",
            measured["sharpness"],
            limits.least_sharpness,
        )
    return None


def _blank_sentence(brightness: float) -> str:
    if brightness < DARK:
        return "The image is almost entirely black: check the exposure and the window it was exported with."
    if brightness > BRIGHT:
        return "The image is almost entirely white: check the exposure and the window it was exported with."
    return "The image holds almost no contrast: check the exposure and the window it was exported with."


def _poor(message: str, measured: float, limit: float) -> Withheld:
    return Withheld(WithheldReason.POOR_QUALITY, message, measured=measured, limit=limit)


def _noise(stored: FloatArray) -> float:
    """Mean absolute difference from the median of the four neighbors."""
    middle = stored[1:-1, 1:-1]
    around = np.stack([stored[:-2, 1:-1], stored[2:, 1:-1], stored[1:-1, :-2], stored[1:-1, 2:]])
    ordered = np.sort(around, axis=0)
    return float(np.abs(middle - (ordered[1] + ordered[2]) / 2).mean())


def _laplacian(half: FloatArray) -> float:
    """Mean square of the five-point Laplacian."""
    inner = half[1:-1, 1:-1]
    curved = 4 * inner - half[:-2, 1:-1] - half[2:, 1:-1] - half[1:-1, :-2] - half[1:-1, 2:]
    return float(np.mean(np.square(curved)))


def _constant(stored: FloatArray) -> float:
    """Part of the picture that has the most frequent of 256 gray values."""
    values = np.bincount((np.clip(stored, 0, 1) * 255 + 0.5).astype(np.intp).ravel(), minlength=256)
    return float(values.max() / stored.size)

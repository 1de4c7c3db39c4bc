"""What each place of an image adds to a score (see `mlcore.engine.explanation.layers`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from mlcore.engine.inference.runtime import CompiledNetwork
from mlcore.engine.types import FloatArray

SMOOTHING = 0.055
"""Of the map, as a part of the side."""
FLOOR = 1e-8
"""Added to maps whose sum is 1, so that a place where one layer sees nothing is not lost for good."""


@dataclass(frozen=True)
class Attribution:
    """A compiled network that can say it by itself, and what each score is made of."""

    network: CompiledNetwork
    directions: Mapping[str, FloatArray]
    """By condition: the column of the head, (features,)."""

    def of(self, inputs: FloatArray, *, condition: str) -> FloatArray:
        """(size, size, 1) to (size, size), never negative: what speaks for the condition."""
        attributed = self.network.attribute(inputs, self.directions[condition])
        return combined(attributed, size=inputs.shape[0])

    def warm_up(self, inputs: FloatArray) -> None:
        """Run once."""
        self.of(inputs, condition=next(iter(self.directions)))


def combined(attributed: Sequence[FloatArray], *, size: int) -> FloatArray:
    """(h, w) of each layer, signed, to the smoothed geometric mean of what is above zero, (size, size)."""
    from scipy.ndimage import gaussian_filter

    logs = np.zeros((size, size))
    for places in attributed:
        wide = _enlarged(places, size=size)
        logs += np.log(wide / max(float(wide.sum()), 1e-30) + FLOOR)
    return np.asarray(gaussian_filter(np.exp(logs / len(attributed)), SMOOTHING * size), np.float32)


def _enlarged(places: FloatArray, *, size: int) -> FloatArray:
    picture = Image.fromarray(np.asarray(places, np.float32)).resize((size, size), Image.Resampling.BICUBIC)
    return np.maximum(np.asarray(picture, np.float32), 0.0)

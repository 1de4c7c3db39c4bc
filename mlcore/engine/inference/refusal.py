"""Decides whether an image may get an answer at all, and says why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlcore.engine.imaging.preprocess import coarse_copy
from mlcore.engine.inference.outliers import Distance
from mlcore.engine.inference.quality import QualityLimits, check_quality
from mlcore.engine.inference.validated_range import ValidatedRange
from mlcore.engine.types import FloatArray, Withheld, WithheldReason

TOO_FAR = "This image is too far from the images this model was validated on, so no result is shown."
CROPPED = "The image shows only a part of the chest: send the whole radiograph."
INVERTED = "The gray values are inverted: send the image with air black and bone white."
TURNED = {
    1: "The image lies on its side: turn it a quarter to the right and send it again.",
    2: "The image is upside down: turn it by half and send it again.",
    3: "The image lies on its side: turn it a quarter to the left and send it again.",
}

DescribeImage = Callable[[FloatArray], FloatArray]
"""A stored square picture to the features that distance is measured on."""


@dataclass(frozen=True)
class Refusal:
    """The limits of an artifact."""

    distance: Distance
    limit: float
    cropped: Distance
    """From parts of images of the examination type."""
    cropped_limit: float
    quality: QualityLimits
    validated_range: ValidatedRange | None = None
    """Absent where no images outside of the range were there to learn from."""

    def check(
        self, stored: FloatArray, *, features: FloatArray, quality: dict[str, float], describe: DescribeImage
    ) -> Withheld | None:
        """Why there is no answer, or None; adds the distance to `quality`.

        A picture that is far away but would be near if it were turned or inverted
        is named as such: the network is asked about each way to put it right. One
        that looks more like a part of a radiograph than like a whole one is named so as
        well: a child's chest that fills the picture looks like an adult's. One that looks
        like those outside of the validated range is withheld however near it lies.
        """
        far = float(self.distance.of(features))
        quality["out_of_distribution_distance"] = far
        poor = check_quality(quality, limits=self.quality)
        if poor is not None:
            return poor
        outside = self._outside(features, far=far, quality=quality)
        if far <= self.limit:
            return outside
        mendable = self._mendable(stored, far=far, describe=describe)
        if mendable is not None:
            return mendable
        if self._is_part(stored, far=far, features=features, describe=describe):
            return Withheld(WithheldReason.POOR_QUALITY, CROPPED, measured=far, limit=self.limit)
        return outside or Withheld(
            WithheldReason.OUT_OF_DISTRIBUTION, TOO_FAR, measured=far, limit=self.limit
        )

    def _is_part(
        self, stored: FloatArray, *, far: float, features: FloatArray, describe: DescribeImage
    ) -> bool:
        """Tell whether the picture lies nearer to parts of images than to whole ones.

        Those parts were cut out of stored pictures and enlarged. One that was cut out at full
        resolution is sharper, and has to be softened to look like them; then it must not
        look like a whole one either.
        """
        if float(self.cropped.of(features)) <= min(self.cropped_limit, far):
            return True
        soft = describe(softened(stored))
        most = min(self.cropped_limit, far, float(self.distance.of(soft)))
        return float(self.cropped.of(soft)) <= most

    def _outside(self, features: FloatArray, *, far: float, quality: dict[str, float]) -> Withheld | None:
        """Ask the machine for the validated range, where there is one; adds its log odds to `quality`."""
        if self.validated_range is None:
            return None
        quality["outside_validated_range"] = float(self.validated_range.log_odds(features))
        return self.validated_range.check(features, distance=far)

    def _mendable(self, stored: FloatArray, *, far: float, describe: DescribeImage) -> Withheld | None:
        """The one mend that brings the picture nearest, if that is near enough."""
        mends = [(WithheldReason.INVERTED, INVERTED, 1.0 - stored)]
        mends += [
            (WithheldReason.POOR_QUALITY, sentence, np.rot90(stored, -turns))
            for turns, sentence in TURNED.items()
        ]
        distances = [float(self.distance.of(describe(picture))) for _, _, picture in mends]
        best = int(np.argmin(distances))
        if distances[best] > self.limit:
            return None
        reason, sentence, _ = mends[best]
        return Withheld(reason, sentence, measured=far, limit=self.limit)


def softened(stored: NDArray[Any]) -> NDArray[Any]:
    """Return a stored square picture of half the resolution, as large as before."""
    return np.asarray(coarse_copy(Image.fromarray(stored), side=stored.shape[0] // 2))

"""Is this an image of the kind that a model was never validated on, although it looks alike?

Distance needs no example of what is strange, and so it misses what is strange in a way
that other images vary in too: an adult's chest radiograph lies near to a child's. Where
examples of such images exist, a linear machine on the same features tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlcore.engine.types import FloatArray, Withheld, WithheldReason


@dataclass(frozen=True)
class ValidatedRange:
    """A linear machine that is positive for images outside of the validated range."""

    kernel: FloatArray
    """(features,)"""
    bias: float
    limit: float
    """Log odds from which an image counts as outside."""
    farthest: float
    """Distance beyond which an image is too strange to be said to look like those outside."""
    message: str
    """For the reader: what the image looks like."""

    def log_odds(self, features: FloatArray) -> FloatArray:
        """Of lying outside: of (n, features), or of one (features,)."""
        return np.asarray(features @ self.kernel + np.float32(self.bias), np.float32)

    def check(self, features: FloatArray, *, distance: float) -> Withheld | None:
        """The reason to withhold an image that lies outside, or None."""
        found = float(self.log_odds(features))
        if found <= self.limit or distance > self.farthest:
            return None
        return Withheld(WithheldReason.OUT_OF_DISTRIBUTION, self.message, measured=found, limit=self.limit)

"""What the rest of the system asks of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mlcore.engine.types import DecodedImage, ModelFacts, Prediction


class Predictor(Protocol):
    """A loaded model. Identical images get identical answers, alone or in a batch."""

    @property
    def facts(self) -> ModelFacts:
        """What the artifact says of itself."""
        ...

    def predict(self, image: DecodedImage, *, age_years: int | None = None) -> Prediction:
        """Answer for one image, or withhold; `age_years` is the patient's age where it is known."""
        ...

    def predict_batch(self, images: Sequence[DecodedImage]) -> list[Prediction]:
        """Answer for each image, in their order."""
        ...

"""The predictor of every network with the common outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from mlcore.engine.imaging.preprocess import Preprocessing, network_input, stored_picture
from mlcore.engine.inference.calibration import Calibration
from mlcore.engine.inference.embedding import Projection
from mlcore.engine.inference.patient_age import check_age
from mlcore.engine.inference.quality import measure_quality
from mlcore.engine.inference.refusal import Refusal
from mlcore.engine.inference.runtime import RunnableNetwork
from mlcore.engine.inference.saliency import saliency_map
from mlcore.engine.types import DecodedImage, FindingScore, FloatArray, ModelFacts, Prediction

PREPARING_THREADS = 2


@dataclass(frozen=True)
class NetworkPredictor:
    """A network that runs, with all that turns its outputs into an answer."""

    facts: ModelFacts
    network: RunnableNetwork
    preprocessing: Preprocessing
    calibrations: Mapping[str, Calibration]
    projection: Projection
    refusal: Refusal
    saliency_references: Mapping[str, float]
    """By condition: the peak of a map that counts as full strength, in logits."""
    map_offset: tuple[float, float] = (0.0, 0.0)
    """How far down and right of its place in the grid each place of `maps` looks, in input pixels."""

    def predict(self, image: DecodedImage, *, age_years: int | None = None) -> Prediction:
        """Answer for one image, or withhold; identical images get identical answers."""
        return self._answer(stored_picture(image.pixels, how=self.preprocessing), age_years=age_years)

    def predict_batch(self, images: Sequence[DecodedImage]) -> list[Prediction]:
        """Answer for each image in turn, while the next are being squashed."""
        with ThreadPoolExecutor(max_workers=PREPARING_THREADS) as pool:
            stored = pool.map(lambda image: stored_picture(image.pixels, how=self.preprocessing), images)
            return [self._answer(picture) for picture in stored]

    def warm_up(self) -> None:
        """Run once, so that the first image does not wait for memory to be laid out."""
        size = self.preprocessing.stored_size
        self._run(np.zeros((size, size), np.float32))

    def _run(self, stored: FloatArray) -> dict[str, FloatArray]:
        return self.network.run(network_input(stored, how=self.preprocessing))

    def _answer(self, stored: FloatArray, *, age_years: int | None = None) -> Prediction:
        outputs = self._run(stored)
        embedding = self.projection.apply(outputs["embedding"])
        quality = measure_quality(stored)
        withheld = self.refusal.check(
            stored,
            features=outputs["layers"],
            quality=quality,
            describe=lambda picture: self._run(picture)["layers"],
        ) or check_age(age_years, validated=self.facts.validated_ages)
        if withheld is not None:
            return Prediction(findings=(), embedding=embedding, withheld=withheld, quality=quality)
        return Prediction(
            findings=self._findings(outputs["logits"]),
            embedding=embedding,
            saliency_maps=self._maps(outputs["maps"]),
            quality=quality,
        )

    def _findings(self, logits: FloatArray) -> tuple[FindingScore, ...]:
        return tuple(
            FindingScore(
                condition=code,
                probability=self.calibrations[code].probability(float(logits[index])),
                operating_point=self.facts.operating_points[code].threshold,
            )
            for index, code in enumerate(self.facts.classes)
        )

    def _maps(self, maps: FloatArray) -> dict[str, FloatArray]:
        return {
            code: saliency_map(
                maps[..., index],
                how=self.preprocessing,
                reference=self.saliency_references[code],
                offset=self.map_offset,
            )
            for index, code in enumerate(self.facts.classes)
        }

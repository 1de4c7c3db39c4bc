"""The predictor of every network with the common outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from mlcore.engine.imaging.preprocess import Preprocessing, network_input, stored_picture
from mlcore.engine.inference.attribution import Attribution
from mlcore.engine.inference.calibration import Calibration
from mlcore.engine.inference.embedding import Projection
from mlcore.engine.inference.patient_age import check_age
from mlcore.engine.inference.quality import measure_quality
from mlcore.engine.inference.refusal import Refusal
from mlcore.engine.inference.runtime import RunnableNetwork
from mlcore.engine.inference.saliency import OWN_PEAK, saliency_map
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
    attribution: Attribution | None = None
    """What makes the maps; where the network cannot, they are class activation maps."""

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
        black = self._input(np.zeros((size, size), np.float32))
        self.network.run(black)
        if self.attribution is not None:
            self.attribution.warm_up(black)

    def class_activation(self, inputs: FloatArray, condition: str) -> FloatArray:
        """The class activation map of a network input (size, size, 1), in the frame of the image as given."""
        return self._activation(self.network.run(inputs)["maps"], condition)

    def _input(self, stored: FloatArray) -> FloatArray:
        return network_input(stored, how=self.preprocessing)

    def _answer(self, stored: FloatArray, *, age_years: int | None = None) -> Prediction:
        inputs = self._input(stored)
        outputs = self.network.run(inputs)
        embedding = self.projection.apply(outputs["embedding"])
        quality = measure_quality(stored)
        withheld = self.refusal.check(
            stored,
            features=outputs["layers"],
            quality=quality,
            describe=lambda picture: self.network.run(self._input(picture))["layers"],
        ) or check_age(age_years, validated=self.facts.validated_ages)
        if withheld is not None:
            return Prediction(
                findings=(), embedding=embedding, layers=outputs["layers"], withheld=withheld, quality=quality
            )
        findings = self._findings(outputs["logits"])
        return Prediction(
            findings=findings,
            embedding=embedding,
            layers=outputs["layers"],
            saliency_maps={f.condition: self._map(inputs, outputs["maps"], finding=f) for f in findings},
            saliency_method="class_activation_map" if self.attribution is None else "layer_attribution",
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

    def _map(self, inputs: FloatArray, maps: FloatArray, *, finding: FindingScore) -> FloatArray:
        """An attribution is the fainter, the further the probability lies below the operating point."""
        if self.attribution is None:
            return self._activation(maps, finding.condition)
        found = self.attribution.of(inputs, condition=finding.condition)
        shown = saliency_map(found, how=self.preprocessing, reference=OWN_PEAK)
        return shown * np.float32(min(1.0, finding.probability / finding.operating_point))

    def _activation(self, maps: FloatArray, condition: str) -> FloatArray:
        return saliency_map(
            maps[..., self.facts.classes.index(condition)],
            how=self.preprocessing,
            reference=self.saliency_references[condition],
            offset=self.map_offset,
        )

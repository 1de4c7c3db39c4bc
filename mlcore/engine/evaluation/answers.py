"""What a model answers for a fold of labelled pictures, through its own artifact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.imaging.preprocess import network_input
from mlcore.engine.inference.network_predictor import NetworkPredictor
from mlcore.engine.inference.quality import measure_quality
from mlcore.engine.training.features import as_stored
from mlcore.engine.types import FloatArray


@dataclass(frozen=True)
class Answers:
    """Of (n) pictures, in their order."""

    classes: tuple[str, ...]
    probabilities: FloatArray
    """(n, classes), calibrated; of withheld pictures too, so that models can be compared on all."""
    withheld: NDArray[np.bool_]
    """(n,)"""
    operating_points: Mapping[str, float]

    def column(self, code: str) -> FloatArray:
        """(n,) probabilities of one condition."""
        return self.probabilities[:, self.classes.index(code)]


def answer(predictor: NetworkPredictor, picture: NDArray[np.uint8]) -> FloatArray:
    """(classes + 1,): the probabilities for a stored square picture, then 1 where it is withheld."""
    stored = as_stored(picture)
    outputs = _run(predictor, stored)
    withheld = predictor.refusal.check(
        stored,
        features=outputs["layers"],
        quality=measure_quality(stored),
        describe=lambda turned: _run(predictor, turned)["layers"],
    )
    probabilities = [
        predictor.calibrations[code].probability(float(logit))
        for code, logit in zip(predictor.facts.classes, outputs["logits"], strict=True)
    ]
    return np.array([*probabilities, withheld is not None], np.float32)


def gather(predictor: NetworkPredictor, rows: Iterable[FloatArray]) -> Answers:
    """Join what `answer` returned for each picture."""
    width = len(predictor.facts.classes) + 1
    table = np.array(list(rows), np.float32).reshape(-1, width)
    return Answers(
        classes=predictor.facts.classes,
        probabilities=table[:, :-1],
        withheld=table[:, -1] > 0.5,
        operating_points={code: point.threshold for code, point in predictor.facts.operating_points.items()},
    )


def answers_of(
    predictor: NetworkPredictor,
    pictures: Iterable[NDArray[np.uint8]],
    *,
    should_go_on: Callable[[], None] = lambda: None,
) -> Answers:
    """Answers for (size, size) pictures; `should_go_on` is called before each and may raise."""

    def each() -> Iterable[FloatArray]:
        for picture in pictures:
            should_go_on()
            yield answer(predictor, picture)

    return gather(predictor, each())


def _run(predictor: NetworkPredictor, stored: FloatArray) -> dict[str, FloatArray]:
    return predictor.network.run(network_input(stored, how=predictor.preprocessing))

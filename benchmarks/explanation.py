"""Are the saliency maps of the shipped model true? Lesions, randomized weights, insertion, frame."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from model_common import MODEL, decoded, folds, predictor, publish, shipped

from mlcore.engine.artifacts import file_sha256
from mlcore.engine.evaluation.metrics import wilson
from mlcore.engine.explanation.explainer import Explainer
from mlcore.engine.explanation.facts import ExplanationFigures, figures_path
from mlcore.engine.explanation.faithfulness import (
    PlantedLesion,
    dummy_maps,
    frame_energy,
    insertion_minus_deletion,
    peak_is_inside,
    plant_lesion,
    rank_correlation,
)
from mlcore.engine.explanation.methods import Method
from mlcore.engine.explanation.occlusion import occlusion
from mlcore.engine.explanation.sanity import contributions_of, randomized, to_input_frame
from mlcore.engine.imaging.preprocess import network_input
from mlcore.engine.inference.loader import keras_model_from
from mlcore.engine.types import FloatArray

CONDITION = "pneumonia"
DUMMIES = ("middle", "edges", "noise")
SIGNS = {"for": 1.0, "against": -1.0}


def main() -> None:
    """Measure every method and publish, as a table and as figures beside the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=40, help="of each kind")
    count = parser.parse_args().images
    explainer = Explainer(shipped(), predictor=predictor())
    graph = keras_model_from(shipped())
    lesions = planted(count)
    answered = {"for": examples(count // 2, label=1), "against": examples(count // 2, label=0)}
    dummies = {
        side: [dummy_gains(p, SIGNS[side], n) for n, p in enumerate(ps)] for side, ps in answered.items()
    }
    best = {side: max(mean(d[name] for d in found) for name in DUMMIES) for side, found in dummies.items()}
    figures = [
        measured(method, explainer=explainer, graph=graph, lesions=lesions, answered=answered, best=best)
        for method in Method
    ]
    write_figures(figures)
    publish_table(figures, count=count // 2, dummies=dummies)


def measured(
    method: Method,
    *,
    explainer: Explainer,
    graph: Any,
    lesions: list[PlantedLesion],
    answered: dict[str, list[Any]],
    best: dict[str, float],
) -> ExplanationFigures:
    """All figures of one method."""

    def shown(picture: Any) -> FloatArray:
        return explainer.explain(decoded(picture), condition=CONDITION, method=method).saliency_map

    def own_gain(side: str) -> float:
        return mean(own(picture, graph=graph, method=method, sign=SIGNS[side]) for picture in answered[side])

    answers = [predictor().predict(decoded(lesion.picture)).findings[0] for lesion in lesions]
    figures = ExplanationFigures(
        method=method.value,
        lesions=len(lesions),
        lesion_hits=sum(peak_is_inside(shown(lesion.picture), lesion.inside) for lesion in lesions),
        lesions_suggested=sum(answer.suggested for answer in answers),
        randomized_correlation=sanity(graph, [p for ps in answered.values() for p in ps[:5]], method),
        gain_for=own_gain("for"),
        gain_against=own_gain("against"),
        best_dummy_for=best["for"],
        best_dummy_against=best["against"],
        frame_energy=max(0.0, mean(frame_energy(shown(picture)) for picture in answered["for"])),
    )
    print(figures, flush=True)
    return figures


def planted(count: int) -> list[PlantedLesion]:
    """Lesions in healthy test radiographs, as far as neither is withheld."""
    test, rng = folds().test, np.random.default_rng(11)
    kept = []
    for picture in test.pictures[test.labels[:, 0] == 0][:count]:
        lesion = plant_lesion(picture, rng=rng)
        if all(predictor().predict(decoded(p)).withheld is None for p in (picture, lesion.picture)):
            kept.append(lesion)
    return kept


def examples(count: int, *, label: int) -> list[Any]:
    """Test radiographs of that label that the model answers rightly, spread over the fold."""
    test = folds().test
    chosen: list[Any] = []
    for row in np.random.default_rng(5).permutation(np.flatnonzero(test.labels[:, 0] == label)):
        answer = predictor().predict(decoded(test.pictures[row]))
        if answer.withheld is None and answer.findings[0].suggested == bool(label):
            chosen.append(test.pictures[row])
        if len(chosen) == count:
            break
    return chosen


def own(picture: Any, *, graph: Any, method: Method, sign: float) -> float:
    """Insertion minus deletion of what speaks for (sign 1) or against (-1) the condition."""
    image = as_input(picture)
    if method is Method.OCCLUSION:
        found = sign * occlusion(predictor().network, image, index=0)
    else:
        found = contributions_of(graph, image, method=method, index=0, sign=sign)
    return insertion_minus_deletion(
        lambda x: sign * logit(x), image, to_input_frame(found, size=image.shape[0])
    )


def dummy_gains(picture: Any, sign: float, seed: int) -> dict[str, float]:
    """The same of maps that know nothing of the network."""
    image = as_input(picture)
    maps = dummy_maps(image, rng=np.random.default_rng(seed))
    return {name: insertion_minus_deletion(lambda x: sign * logit(x), image, maps[name]) for name in DUMMIES}


def logit(image: FloatArray) -> float:
    """Of the condition, for a network input."""
    return float(predictor().network.run(image)["logits"][0])


def as_input(picture: Any) -> FloatArray:
    """What the network sees of a stored picture."""
    return network_input(picture / np.float32(255), how=predictor().preprocessing)


def mean(values: Iterable[float]) -> float:
    """As a plain number."""
    return float(np.mean(list(values)))


def sanity(graph: Any, pictures: list[Any], method: Method) -> float:
    """Mean size of the rank correlation between maps of the network and of one with shuffled weights."""
    other = randomized(graph, seed=3)
    found = []
    for picture in pictures:
        image = as_input(picture)
        maps = [contributions_of(model, image, method=method, index=0) for model in (graph, other)]
        found.append(abs(rank_correlation(*maps)))
    return mean(found)


def write_figures(figures: list[ExplanationFigures]) -> None:
    """Put the figures beside the model file, bound to it by its checksum."""
    values = {f.method: {name: v for name, v in vars(f).items() if name != "method"} for f in figures}
    stored = {"model_sha256": file_sha256(MODEL), "figures": values}
    figures_path(MODEL).write_text(json.dumps(stored, indent=1) + "\n")


def publish_table(
    figures: list[ExplanationFigures], *, count: int, dummies: dict[str, list[dict[str, float]]]
) -> None:
    """One row for each method and each dummy."""
    rows: list[tuple[object, ...]] = []
    for f in figures:
        hit = wilson(f.lesion_hits, f.lesions)
        rows.append(
            (
                f.method,
                f"{hit.value:.2f} [{hit.low:.2f}, {hit.high:.2f}]",
                f"{f.randomized_correlation:.2f}",
                f"{f.gain_for:+.3f}",
                f"{f.gain_against:+.3f}",
                f"{100 * f.frame_energy:.1f} %",
            )
        )
    for name in DUMMIES:
        gains = (f"{mean(d[name] for d in dummies[side]):+.3f}" for side in SIGNS)
        rows.append((f"dummy: {name}", "", "", *gains, ""))
    note = (
        f"Lesion hits: hazy opacities were planted into {figures[0].lesions} healthy test radiographs; the "
        "map's peak lay within the planted ellipse in that part of them (aim: .90). They are drawn, not "
        f"real disease, and the model suggested pneumonia in {figures[0].lesions_suggested} of them. "
        "Randomized: mean size of the rank correlation with the map of a network of shuffled weights (0: "
        "the map hangs on the network; 1: it ignores it). Gain: insertion minus deletion, in logits, with "
        f"the picture's own blur for what is hidden; for pneumonia on {count} radiographs that have it, "
        f"against it on {count} that do not; higher than every dummy is the aim. Frame: part of the map "
        "in the outer 5 % (aim: at most 5 %)."
    )
    header = ("method", "lesion hits", "randomized", "gain for", "gain against", "frame")
    publish("Explanation by the shipped model", header, rows, note=note)


if __name__ == "__main__":
    main()

"""Are the saliency maps of the shipped model true? Lesions, randomized weights, insertion, frame."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from model_common import MODEL, decoded, folds, predictor, publish, shipped

from mlcore.engine.artifacts import file_sha256
from mlcore.engine.evaluation.metrics import wilson
from mlcore.engine.explanation.explainer import Explainer
from mlcore.engine.explanation.facts import ExplanationFigures, figures_path
from mlcore.engine.explanation.faithfulness import (
    dummy_maps,
    frame_energy,
    insertion_minus_deletion,
    peak_is_inside,
    plant_lesion,
    rank_correlation,
)
from mlcore.engine.explanation.methods import Method
from mlcore.engine.explanation.sanity import contributions_of, randomized, to_input_frame
from mlcore.engine.imaging.preprocess import network_input
from mlcore.engine.inference.loader import keras_model_from
from mlcore.engine.types import FloatArray

CONDITION = "pneumonia"
DUMMIES = ("middle", "edges", "noise")


def main() -> None:
    """Measure every method and publish, as a table and as figures beside the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=60, help="of each kind, at most")
    count = parser.parse_args().images
    explainer = Explainer(shipped(), predictor=predictor())
    graph = keras_model_from(shipped())
    lesions, asked = planted(count)
    found = positives(count // 2)
    maps: dict[Method, list[FloatArray]] = {m: [] for m in Method}
    for method in Method:
        for picture in found:
            explained = explainer.explain(decoded(picture), condition=CONDITION, method=method)
            maps[method].append(explained.saliency_map)
    dummies = [dummy_gain(picture, seed) for seed, picture in enumerate(found)]
    best = max(float(np.mean([d[name] for d in dummies])) for name in DUMMIES)
    figures = []
    for method in Method:
        hits = [
            peak_is_inside(
                explainer.explain(decoded(p), condition=CONDITION, method=method).saliency_map, inside
            )
            for p, inside in lesions
        ]
        own = [gain(p, lambda x, m=method: contributions_of(graph, x, method=m, index=0)) for p in found]
        figures.append(
            ExplanationFigures(
                method=method.value,
                lesions=len(hits),
                lesion_hits=sum(hits),
                randomized_correlation=sanity(graph, found[:12], method),
                insertion_minus_deletion=float(np.mean(own)),
                best_dummy=best,
                frame_energy=float(np.mean([frame_energy(m) for m in maps[method]])),
            )
        )
        print(figures[-1], flush=True)
    figures_path(MODEL).write_text(
        json.dumps(
            {
                "model_sha256": file_sha256(MODEL),
                "figures": {f.method: {k: v for k, v in vars(f).items() if k != "method"} for f in figures},
            },
            indent=1,
        )
        + "\n"
    )
    publish_table(figures, asked=asked, positives_count=len(found), dummies=dummies)


def planted(count: int) -> tuple[list[tuple[Any, Any]], int]:
    """Healthy test radiographs that a planted lesion turned into a suggestion, and how many were tried."""
    test, model = folds().test, predictor()
    healthy = test.pictures[test.labels[:, 0] == 0]
    rng = np.random.default_rng(11)
    kept, tried = [], 0
    for picture in healthy[:count]:
        before = model.predict(decoded(picture))
        lesion = plant_lesion(picture, rng=rng)
        after = model.predict(decoded(lesion.picture))
        if before.withheld is not None or before.findings[0].suggested:
            continue
        tried += 1
        if after.withheld is None and after.findings[0].suggested:
            kept.append((lesion.picture, lesion.inside))
    return kept, tried


def positives(count: int) -> list[Any]:
    """Test radiographs with pneumonia that the model suggests, spread over the fold."""
    test = folds().test
    rows = np.flatnonzero(test.labels[:, 0] == 1)
    chosen = []
    for row in np.random.default_rng(5).permutation(rows):
        answer = predictor().predict(decoded(test.pictures[row]))
        if answer.withheld is None and answer.findings[0].suggested:
            chosen.append(test.pictures[row])
        if len(chosen) == count:
            break
    return chosen


def probability(image: FloatArray) -> float:
    """Of the condition, for a network input."""
    logit = float(predictor().network.run(image)["logits"][0])
    return predictor().calibrations[CONDITION].probability(logit)


def gain(picture: Any, explain: Callable[[FloatArray], FloatArray]) -> float:
    """Insertion minus deletion of a map that `explain` makes."""
    image = as_input(picture)
    return insertion_minus_deletion(probability, image, to_input_frame(explain(image), size=image.shape[0]))


def dummy_gain(picture: Any, seed: int) -> dict[str, float]:
    """The same for maps that know nothing of the network."""
    image = as_input(picture)
    maps = dummy_maps(image, rng=np.random.default_rng(seed))
    return {name: insertion_minus_deletion(probability, image, maps[name]) for name in DUMMIES}


def as_input(picture: Any) -> FloatArray:
    """What the network sees of a stored picture."""
    return network_input(picture / np.float32(255), how=predictor().preprocessing)


def sanity(graph: Any, pictures: list[Any], method: Method) -> float:
    """Mean size of the rank correlation between maps of the network and of one with shuffled weights."""
    other = randomized(graph, seed=3)
    found = []
    for picture in pictures:
        image = as_input(picture)
        maps = [contributions_of(model, image, method=method, index=0) for model in (graph, other)]
        found.append(abs(rank_correlation(*maps)))
    return float(np.mean(found))


def publish_table(
    figures: list[ExplanationFigures], *, asked: int, positives_count: int, dummies: list[dict[str, float]]
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
                f"{f.insertion_minus_deletion:+.3f}",
                f"{100 * f.frame_energy:.1f} %",
            )
        )
    rows += [
        (f"dummy: {name}", "", "", f"{np.mean([d[name] for d in dummies]):+.3f}", "") for name in DUMMIES
    ]
    note = (
        f"Lesions: hazy opacities planted into {asked} healthy test radiographs that were not suggested; "
        f"{figures[0].lesions} were suggested afterwards, and the hit rate is how often the map's peak lies "
        "within the planted ellipse on those (aim: .90). They are drawn, not real disease. Randomized: mean "
        "size of the rank correlation with the map of a network of shuffled weights (0 is best, 1 means that "
        "the map ignores the network). Insertion minus deletion: on the probability, over "
        f"{positives_count} suggested radiographs with pneumonia, with the picture's own blur for what is "
        "hidden; higher is better. Frame: part of the map in the outer 5 % (aim: at most 5 %)."
    )
    header = ("method", "lesion hits", "randomized", "insertion - deletion", "frame")
    publish("Explanation by the shipped model", header, rows, note=note)


if __name__ == "__main__":
    main()

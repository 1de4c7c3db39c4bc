"""How often a model that is worse by a known amount comes through the gate, by the size of the test fold."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from label_order import TASKS, features_of
from model_common import publish
from threadpoolctl import threadpool_limits

from mlcore.engine.evaluation.answers import Answers
from mlcore.engine.evaluation.limits import Limits
from mlcore.engine.evaluation.questions import Criterion, Questions
from mlcore.engine.training.head_fit import fit_change
from mlcore.engine.types import FloatArray

LEARNED_FROM, SENSITIVITY, SEED = 600, 0.95, 0
FOLDS = (50, 100, 150, 300)
"""Test images; as many of each side as chest radiographs of children have."""
LIMITS = replace(Limits(), rounds=400)
Model = tuple[FloatArray, float]
"""Probabilities for all images, and the operating point."""


class Site:
    """Labeled images, an incumbent, and models of which is known how much worse they are."""

    def __init__(self, features: FloatArray, labels: FloatArray) -> None:
        self.features, self.labels = features, labels
        order = np.random.default_rng(SEED).permutation(len(labels))
        self.known, self.others = order[:LEARNED_FROM], order[LEARNED_FROM:]
        self.incumbent = self.model(self.known, labels[self.known])

    def model(self, rows: Any, labels: FloatArray) -> Model:
        """Fit a head, and set its operating point to the usual sensitivity on all other images."""
        head = fit_change(self.features[rows], labels, earlier=np.zeros(len(rows), np.float32))
        scores = np.asarray(1 / (1 + np.exp(-head.logits(self.features))), np.float32)
        return scores, self._point(scores, side=1, part=1 - SENSITIVITY)

    def _point(self, scores: FloatArray, *, side: int, part: float) -> float:
        return float(np.quantile(scores[self.others][self.labels[self.others] == side], part))

    def rates(self, model: Model) -> tuple[float, float]:
        """Sensitivity and specificity on all images that nothing was learned from."""
        suggested, present = model[0][self.others] >= model[1], self.labels[self.others] == 1
        return float(suggested[present].mean()), float((~suggested[~present]).mean())

    def models(self) -> Mapping[str, Model]:
        """One that is as good, those with another operating point, those that learned wrong labels."""
        scores, rng = self.incumbent[0], np.random.default_rng(SEED + 1)
        fewer = rng.permutation(self.known)[: LEARNED_FROM - 50]
        found = {"learned from nearly the same images": self.model(fewer, self.labels[fewer])}
        for worse in (0.05, 0.10, 0.20):
            at = self._point(scores, side=1, part=1 - SENSITIVITY + worse)
            found[f"sensitivity lower by {worse:.2f}"] = scores, at
        for worse in (0.05, 0.10, 0.20):
            at = self._point(scores, side=0, part=self.rates(self.incumbent)[1] - worse)
            found[f"specificity lower by {worse:.2f}"] = scores, at
        for part in (0.1, 0.2, 0.3):
            labels = self.labels[self.known].copy()
            wrong = rng.permutation(LEARNED_FROM)[: round(part * LEARNED_FROM)]
            labels[wrong] = 1 - labels[wrong]
            found[f"{part:.0%} of its labels turned around"] = self.model(self.known, labels)
        return found

    def fold(self, size: int, *, seed: int) -> Any:
        """Draw a test fold that has the usual parts of both sides."""
        rng, sides = np.random.default_rng(seed), self.labels[self.others]
        count = round(size * float(np.mean(sides == 0)))
        return np.concatenate(
            [
                rng.choice(self.others[sides == side], number, replace=False)
                for side, number in ((0, count), (1, size - count))
            ]
        )

    def judged(self, model: Model, *, size: int, seed: int) -> tuple[bool, bool]:
        """Whether the model passes, and whether it would if one image could be lost of any number."""
        rows = self.fold(size, seed=seed)

        def answers(scores: FloatArray, point: float) -> Answers:
            return Answers(("p",), scores[rows][:, None], np.zeros(len(rows), bool), {"p": point})

        labels = self.labels[rows]
        ask = Questions(
            answers(*model), answers(*self.incumbent), np.array(list(map(str, rows))), LIMITS, seed
        )
        after, before = (scores[rows] >= point for scores, point in (model, self.incumbent))
        rates = [ask._rate(name, "p", labels == side, after, before, ask.groups) for name, side in SIDES]
        flips = ask._flips(labels[:, None], ("p",), ["p"]).passed
        counts = {f"{name}.p": int((labels == side).sum()) for name, side in SIDES}
        passed = all(one.passed for one in rates) and flips
        return passed, flips and all(one.passed or _lost_one(one, counts) for one in rates)

    def stated(self) -> tuple[str, ...]:
        """From which fall of sensitivity and specificity on the gate says that it refuses four in five."""
        changed = self.models()["sensitivity lower by 0.05"]
        cells = []
        for size in FOLDS:
            rows = self.fold(size, seed=0)
            labels = self.labels[rows]
            answers = [
                Answers(("p",), scores[rows][:, None], np.zeros(len(rows), bool), {"p": point})
                for scores, point in (changed, self.incumbent)
            ]
            power = Questions(*answers, np.array(list(map(str, rows))), LIMITS, 0).power(
                labels[:, None], ("p",)
            )
            by_itself = max(one.loss for one in power) <= LIMITS.automatic_loss
            cells.append(
                " / ".join(f"{one.loss:.3f}" for one in power)
                + (", by itself" if by_itself else ", administrator")
            )
        return ("", "", *cells)


SIDES = (("sensitivity", 1), ("specificity", 0))


def _lost_one(one: Criterion, counts: Mapping[str, int]) -> bool:
    if one.name not in counts or one.measured is None:
        return False
    return one.measured >= -LIMITS.few_images / counts[one.name] - 1e-9


def main() -> None:
    """Judge each model on many folds of each size."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--folds", type=int, default=300, help="test folds of each size")
    asked.add_argument("--keep-features-in", type=Path)
    options = asked.parse_args()
    threadpool_limits(1)
    data = features_of(TASKS[0], kept_in=options.keep_features_in)
    site = Site(data.features, data.labels[:, 0])
    start = site.rates(site.incumbent)
    rows = []
    for name, model in site.models().items():
        change = [after - before for after, before in zip(site.rates(model), start, strict=True)]
        cells = []
        for size in FOLDS:
            passed = np.mean([site.judged(model, size=size, seed=i) for i in range(options.folds)], axis=0)
            cells.append(f"{passed[0]:.0%} ({passed[1]:.0%})")
        rows.append((name, *(f"{one:+.2f}" for one in change), *cells))
        print(*rows[-1], sep=" | ", flush=True)
    rows.append(("what the gate says it shows", *site.stated()))
    absent = float(np.mean(site.labels[site.others] == 0))
    sizes = tuple(f"{size} test images, {round(size * absent)} without" for size in FOLDS)
    publish(
        "Worse models at the gate",
        ("candidate", "sensitivity", "specificity", *sizes),
        rows,
        note=(
            f"How often a candidate passes, over {options.folds} test folds of each size drawn from "
            f"{len(site.others)} chest radiographs of children; heads on features of EfficientNet-Lite0, the "
            f"incumbent's on {LEARNED_FROM} images. Asked are sensitivity, specificity and negative flips "
            "alone: AUROC, calibration and the check of labels refuse more. In brackets: if one image could "
            "be lost however few there are. Last row: from which fall of sensitivity / specificity on the "
            "gate report says that four in five are refused, and who may promote what passes."
        ),
    )


if __name__ == "__main__":
    main()

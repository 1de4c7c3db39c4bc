"""The questions that the gate asks of a candidate, each answered by one criterion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlcore.engine.evaluation import paired
from mlcore.engine.evaluation.answers import Answers
from mlcore.engine.evaluation.label_check import MORE_ALLOWED, LabelCheck
from mlcore.engine.evaluation.limits import Limits
from mlcore.engine.evaluation.metrics import auroc, ece, sensitivity, specificity
from mlcore.engine.evaluation.power import ROUNDING, Power, power_of
from mlcore.engine.types import FloatArray


@dataclass(frozen=True)
class Criterion:
    """One question that was asked of the candidate."""

    name: str
    passed: bool
    measured: float | None
    limit: float | None
    reason: str


@dataclass(frozen=True)
class Questions:
    candidate: Answers
    incumbent: Answers | None
    groups: Any
    limits: Limits
    seed: int

    def keeps_classes(self) -> Criterion:
        lost = sorted(set(self.incumbent.classes if self.incumbent else ()) - set(self.candidate.classes))
        reason = (
            f"The candidate no longer answers for {', '.join(lost)}." if lost else "No condition was lost."
        )
        return Criterion("conditions", not lost, float(len(lost)), 0.0, reason)

    def patients(self, rows: int) -> Criterion:
        count, least = len(set(self.groups.tolist())), self.limits.least_patients
        enough = count >= least and rows >= self.limits.least_rows
        reason = f"The test fold holds {rows} images of {count} patients"
        reason += (
            "." if enough else f"; at least {self.limits.least_rows} of {least} are needed to compare models."
        )
        return Criterion("test_fold", enough, float(rows), float(self.limits.least_rows), reason)

    def size(self, code: str, target: FloatArray) -> Criterion:
        present, absent = int((target == 1).sum()), int((target == 0).sum())
        least = self.limits.least_of_each
        reason = f"{present} test images have {code}, {absent} do not"
        reason += "." if min(present, absent) >= least else f"; at least {least} of each are needed."
        return Criterion(
            f"test_fold.{code}",
            min(present, absent) >= least,
            float(min(present, absent)),
            float(least),
            reason,
        )

    def unchanged(self, code: str) -> bool:
        """Whether every answer for the condition is the incumbent's, to the last bit."""
        return (
            self.incumbent is not None
            and code in self.incumbent.classes
            and self.incumbent.operating_points[code] == self.candidate.operating_points[code]
            and np.array_equal(self.incumbent.column(code), self.candidate.column(code))
        )

    def stays(self, code: str) -> Criterion:
        return Criterion(f"unchanged.{code}", True, 0.0, 0.0, f"All answers for {code} are what they were.")

    def figures(self, code: str, known: Any, target: FloatArray) -> dict[str, Any]:
        return {
            name: _figures(answers, code, known, target)
            for name, answers in (("incumbent", self.incumbent), ("candidate", self.candidate))
            if answers is not None and code in answers.classes
        }

    def of_class(self, code: str, known: Any, target: FloatArray) -> list[Criterion]:
        scores, groups = self.candidate.column(code)[known], self.groups[known]
        criteria = [self._calibration(code, known, target)]
        if self.incumbent is None or code not in self.incumbent.classes:
            low = paired.auroc_interval(
                target, scores, groups=groups, rounds=self.limits.rounds, seed=self.seed
            )[0]
            limit = self.limits.new_class_auroc
            reason = f"{code} is new; its AUROC is at least {low:.3f} (95 %), and {limit:.2f} is needed."
            return [*criteria, Criterion(f"auroc.{code}", low >= limit, low, limit, reason)]
        earlier = self.incumbent.column(code)[known]
        criteria.append(self._auroc(f"auroc.{code}", code, target, scores, earlier, groups))
        points = self.candidate.operating_points[code], self.incumbent.operating_points[code]
        return criteria + [
            self._rate(name, code, target == side, scores >= points[0], earlier >= points[1], groups)
            for name, side in (("sensitivity", 1), ("specificity", 0))
        ]

    def of_subgroups(
        self, code: str, known: Any, target: FloatArray, subgroups: Mapping[str, Sequence[str]]
    ) -> list[Criterion]:
        if self.incumbent is None or code not in self.incumbent.classes:
            return []
        criteria = []
        for attribute, names in sorted(subgroups.items()):
            named = np.asarray(names)[known]
            for name in sorted(set(named.tolist()) - {""}):
                own = named == name
                sides = [int((target[own] == side).sum()) for side in (0, 1)]
                if min(sides) < self.limits.least_of_each:
                    continue
                after, before = (a.column(code)[known][own] for a in (self.candidate, self.incumbent))
                label = f"auroc.{code}.{attribute}={name}"
                criteria.append(
                    self._auroc(label, label[6:], target[own], after, before, self.groups[known][own])
                )
        return criteria

    def power(self, labels: FloatArray, classes: tuple[str, ...]) -> list[Power]:
        """What the test fold can show of each rate that may have changed."""
        shared = [code for code in classes if self._is_compared(code)]
        known = sum(int(np.isfinite(labels[:, classes.index(code)]).sum()) for code in shared)
        flips = math.floor(self.limits.negative_flips * known + ROUNDING)
        found = []
        for code in shared:
            if self.unchanged(code):
                continue
            for name, value in (("sensitivity", 1), ("specificity", 0)):
                side = labels[:, classes.index(code)] == value
                patients = len(set(self.groups[side].tolist()))
                margin = self._rate_margin(int(side.sum()))
                found.append(power_of(f"{name}.{code}", patients=patients, margin=margin, flips=flips))
        return found

    def _is_compared(self, code: str) -> bool:
        return (
            self.incumbent is not None and code in self.incumbent.classes and code in self.candidate.classes
        )

    def overall(self, labels: FloatArray, classes: tuple[str, ...]) -> list[Criterion]:
        if self.incumbent is None:
            return []
        shared = [c for c in classes if c in self.incumbent.classes and c in self.candidate.classes]
        columns = [classes.index(code) for code in shared]
        both = [i for i in columns if {0.0, 1.0} <= set(np.unique(labels[:, i]).tolist())]
        criteria = [self._withheld(), self._flips(labels, classes, shared)]
        if both:
            tables = [
                np.stack([answers.column(classes[i]) for i in both], axis=1)
                for answers in (self.candidate, self.incumbent)
            ]
            difference, low = paired.mean_auroc_difference(
                labels[:, both], *tables, groups=self.groups, rounds=self.limits.rounds, seed=self.seed
            )
            criteria.insert(0, self._difference("auroc", "the mean over conditions", difference, low))
        return criteria

    def _auroc(
        self, name: str, what: str, target: FloatArray, scores: FloatArray, earlier: FloatArray, groups: Any
    ) -> Criterion:
        difference, low = paired.mean_auroc_difference(
            target[:, None],
            scores[:, None],
            earlier[:, None],
            groups=groups,
            rounds=self.limits.rounds,
            seed=self.seed,
        )
        return self._difference(name, what, difference, low)

    def _difference(self, name: str, what: str, difference: float, low: float) -> Criterion:
        margin = self.limits.auroc_margin
        reason = (
            f"The AUROC of {what} changes by {difference:+.4f}, at worst by {low:+.4f} (95 %); "
            f"it may fall by {margin:.2f}."
        )
        return Criterion(name, low >= -margin, low, -margin, reason)

    def _rate(self, name: str, code: str, side: Any, after: Any, before: Any, groups: Any) -> Criterion:
        right = (after, before) if name == "sensitivity" else (~after, ~before)
        change = right[0][side].astype(float) - right[1][side].astype(float)
        difference, low = paired.mean_interval(
            change, groups=groups[side], rounds=self.limits.rounds, seed=self.seed
        )
        count = int(side.sum())
        margin = self._rate_margin(count)
        reason = (
            f"The {name} for {code} changes by {difference:+.3f}, at worst by {low:+.3f} (95 %); "
            f"it may fall by {margin:.3f} on {count} images."
        )
        return Criterion(f"{name}.{code}", low >= -margin - ROUNDING, low, -margin, reason)

    def _rate_margin(self, count: int) -> float:
        margin = self.limits.rate_margin
        return max(margin, self.limits.few_images / count) if count >= self.limits.few_images_from else margin

    def _calibration(self, code: str, known: Any, target: FloatArray) -> Criterion:
        own = self.candidate.column(code)[known]
        error = ece(target, own)
        chance, margin = paired.ece_by_chance(own, seed=self.seed), self.limits.ece_margin
        limit = chance + margin
        if self.incumbent is not None and code in self.incumbent.classes:
            limit = max(chance, ece(target, self.incumbent.column(code)[known]) + margin)
        reason = (
            f"The calibration error for {code} is {error:.3f}; up to {limit:.3f} may be chance "
            "on this many images, or is as good as before."
        )
        return Criterion(f"ece.{code}", error <= limit, error, limit, reason)

    def _flips(self, labels: FloatArray, classes: tuple[str, ...], shared: list[str]) -> Criterion:
        assert self.incumbent is not None  # noqa: S101
        count = flipped = 0
        for code in shared:
            column = classes.index(code)
            known = np.isfinite(labels[:, column])
            right = [
                (a.column(code)[known] >= a.operating_points[code]) == (labels[known, column] == 1)
                for a in (self.incumbent, self.candidate)
            ]
            count += int(known.sum())
            flipped += int((right[0] & ~right[1]).sum())
        share, limit = flipped / max(1, count), self.limits.negative_flips
        reason = (
            f"{flipped} of {count} answers were right before and are wrong now ({share:.1%}); "
            f"{limit:.0%} are allowed."
        )
        return Criterion("negative_flips", share <= limit, share, limit, reason)

    def _withheld(self) -> Criterion:
        assert self.incumbent is not None  # noqa: S101
        after, before = (float(a.withheld.mean()) for a in (self.candidate, self.incumbent))
        limit = before + self.limits.withheld_margin
        reason = f"{after:.1%} of the test images get no answer; {before:.1%} did before."
        return Criterion("withheld", after <= limit, after, limit, reason)


def _figures(answers: Answers, code: str, known: Any, target: FloatArray) -> dict[str, float | None]:
    scores = answers.column(code)[known]
    suggested = scores >= answers.operating_points[code]
    values = {
        "auroc": auroc(target, scores),
        "sensitivity": sensitivity(target, suggested).value,
        "specificity": specificity(target, suggested).value,
        "ece": ece(target, scores) if len(target) else math.nan,
        "operating_point": answers.operating_points[code],
        "withheld": float(answers.withheld[known].mean()) if known.any() else math.nan,
    }
    return {name: None if math.isnan(value) else float(value) for name, value in values.items()}


def labels_criterion(check: LabelCheck | None) -> Criterion:
    """Whether the new labels agree with what all the other images teach."""
    name = "labels"
    if check is None:
        return Criterion(name, False, None, None, "The new labels were not checked.")
    judged = [(batch.contradicted - batch.expected, batch) for batch in check.batches]
    worst = max(judged, key=lambda pair: pair[0], default=None)
    if worst is None:
        return Criterion(
            name, True, None, None, "There is no batch of new labels that is large enough to judge."
        )
    _, batch = max([pair for pair in judged if pair[1].suspicious], key=lambda p: p[0], default=worst)
    said = (
        f"{batch.contradicted:.0%} of {batch.rows} new labels of {batch.condition} are contradicted by what "
        f"the other images teach; {batch.expected:.0%} were expected, "
        f"{100 * MORE_ALLOWED:.0f} points more pass."
    )
    if batch.suspicious:
        said += " Have a data steward look at these images before training again."
    limit = batch.expected + MORE_ALLOWED
    return Criterion(name, not batch.suspicious, batch.contradicted, limit, said)

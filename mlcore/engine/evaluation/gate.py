"""Decides whether a candidate may take the incumbent's place: both on the same frozen test fold.

Every criterion says what was measured, what the limit is, and why it is or is not met.
Differences are paired, and their intervals come from drawing whole patients
(percentile bootstrap). All chance is seeded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlcore.engine.evaluation.answers import Answers
from mlcore.engine.evaluation.label_check import LabelCheck
from mlcore.engine.evaluation.limits import Limits
from mlcore.engine.evaluation.power import Power
from mlcore.engine.evaluation.questions import Criterion, Questions, labels_criterion
from mlcore.engine.types import FloatArray


@dataclass(frozen=True)
class GateResult:
    """All criteria, and what was measured before and after."""

    criteria: tuple[Criterion, ...]
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By condition: `incumbent` and `candidate`, each with its figures."""
    power: tuple[Power, ...] = ()
    """How small a loss the test fold could show."""

    @property
    def passed(self) -> bool:
        return all(criterion.passed for criterion in self.criteria)


def gate(
    candidate: Answers,
    incumbent: Answers | None,
    *,
    labels: FloatArray,
    classes: tuple[str, ...],
    groups: Sequence[str],
    label_check: LabelCheck | None = None,
    subgroups: Mapping[str, Sequence[str]] | None = None,
    limits: Limits | None = None,
    seed: int = 0,
) -> GateResult:
    """Compare the candidate with the incumbent on one test fold.

    `labels` is (n, classes) with NaN where nothing is known, in the order of the
    answers; `groups` the patient of each row; `subgroups` names by attribute, such as
    the sex of each row's patient. Without an incumbent every class counts as new.
    """
    limits = limits or Limits()
    questions = Questions(candidate, incumbent, np.asarray(groups), limits, seed)
    criteria = [questions.keeps_classes(), questions.patients(len(labels))]
    figures: dict[str, Mapping[str, Any]] = {}
    if len(labels) == 0:
        return GateResult(criteria=(*criteria, labels_criterion(label_check)))
    for column, code in enumerate(classes):
        if code not in candidate.classes:
            continue
        known = np.isfinite(labels[:, column])
        target = labels[known, column]
        figures[code] = questions.figures(code, known, target)
        if questions.unchanged(code):
            criteria.append(questions.stays(code))
            continue
        size = questions.size(code, target)
        criteria.append(size)
        if min(int((target == 0).sum()), int((target == 1).sum())) == 0:
            continue
        criteria += questions.of_class(code, known, target)
        criteria += questions.of_subgroups(code, known, target, subgroups or {})
    criteria += questions.overall(labels, classes)
    criteria.append(labels_criterion(label_check))
    power = tuple(questions.power(labels, classes))
    return GateResult(criteria=tuple(criteria), figures=figures, power=power)

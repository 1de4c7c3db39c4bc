"""Conditions that the model has no output for yet, found by likeness to what readers signed.

The rule is that of `mlcore.engine.inference.likeness`, on what the network's earlier layers
see: the last one sees what its own conditions need, and hardly tells others apart. Images
of the same patient do not count, nor do those on which readers disagree.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db.models import Q

from accounts.models import User
from diagnosis.models import (
    Analysis,
    AnalysisState,
    Condition,
    ConditionState,
    Instance,
    Review,
    ReviewFinding,
    Study,
    Verdict,
)
from mlcore.engine.inference.likeness import Likeness, fit_likeness
from mlcore.engine.types import FloatArray, WithheldReason
from mlcore.models import Embedding
from mlcore.selectors import active_version

LEAST_EXAMPLES = 10
"""Signed images with a condition, before anything is compared with them."""
POOL = 500
"""Of signed images with such a condition, and of the others, so many of the newest are compared with."""

_VERDICTS = (Verdict.PRESENT, Verdict.ABSENT, Verdict.UNCERTAIN)


@dataclass(frozen=True)
class Resemblance:
    """An image lies among the signed images of a condition."""

    condition: Condition
    likeness: Likeness


@dataclass(frozen=True)
class _Said:
    """Studies by what readers signed of one condition."""

    agreed: set[UUID]
    doubtful: set[UUID]
    """Where they disagree, or are not sure."""


@dataclass(frozen=True)
class _Signed:
    """Signed images: what the network's layers see of them, each with its study and patient."""

    layers: FloatArray
    studies: list[UUID]
    patients: list[str]


def resemblances(analysis: Analysis, study: Study, *, user: User) -> list[Resemblance]:
    """Return the conditions that the analyzed image resembles.

    Only images that the user may see are compared with. An image that is far from what
    the model was validated on is the very one that may show something new, so it is
    compared although its answer is withheld; one of poor quality is not.
    """
    if not _is_comparable(analysis):
        return []
    carriers = _carriers(_conditions_without_output(study), study=study)
    if not carriers:
        return []
    marked = {pk for said in carriers.values() for pk in said.agreed}
    pool = _signed_instances(study, marked=marked, user=user)
    own, signed = _layers(analysis, pool)
    if own is None or signed is None:
        return []
    seen = [
        Resemblance(condition, found)
        for condition, said in carriers.items()
        if (found := _likeness(signed, said)) is not None and found.names(own)
    ]
    return sorted(seen, key=lambda one: one.condition.name)


def _is_comparable(analysis: Analysis) -> bool:
    withheld = analysis.state == AnalysisState.WITHHELD
    return analysis.state == AnalysisState.SUCCEEDED or (
        withheld and analysis.withheld_reason == WithheldReason.OUT_OF_DISTRIBUTION
    )


def _likeness(signed: _Signed, said: _Said) -> Likeness | None:
    known = np.array([pk not in said.doubtful for pk in signed.studies], bool)
    is_example = np.array([pk in said.agreed for pk in signed.studies], bool)[known]
    if int(is_example.sum()) < LEAST_EXAMPLES:
        return None
    patients = [patient for patient, kept in zip(signed.patients, known, strict=True) if kept]
    return fit_likeness(signed.layers[known], is_example=is_example, groups=patients)


def _conditions_without_output(study: Study) -> list[Condition]:
    active = active_version(study.examination_type)
    conditions = Condition.objects.filter(
        examination_type=study.examination_type_id, state=ConditionState.APPROVED
    )
    return list(conditions.exclude(code__in=active.classes if active else []))


def _carriers(conditions: list[Condition], *, study: Study) -> dict[Condition, _Said]:
    """Return what was signed of those conditions that enough images have."""
    if not conditions:
        return {}
    by_key = {condition.pk: condition for condition in conditions}
    of_them = Q(condition__in=by_key) | Q(condition__merged_into__in=by_key)
    rows = ReviewFinding.objects.filter(
        of_them,
        review__in=Review.objects.current(),
        review__study__examination_type=study.examination_type_id,
    )
    said: dict[Condition, dict[str, set[UUID]]] = defaultdict(lambda: defaultdict(set))
    for key, merged, verdict, pk in rows.values_list(
        "condition_id", "condition__merged_into_id", "verdict", "review__study_id"
    ):
        said[by_key[merged or key]][verdict].add(pk)
    found = {condition: _agreement(by_verdict) for condition, by_verdict in said.items()}
    counts = _image_counts(pk for one in found.values() for pk in one.agreed)
    return {
        condition: one
        for condition, one in found.items()
        if sum(counts[pk] for pk in one.agreed) >= LEAST_EXAMPLES
    }


def _agreement(by_verdict: dict[str, set[UUID]]) -> _Said:
    present, absent, unsure = (by_verdict[verdict] for verdict in _VERDICTS)
    return _Said(agreed=present - absent - unsure, doubtful=(present & absent) | unsure)


def _image_counts(studies: Iterable[UUID]) -> dict[UUID, int]:
    counts: dict[UUID, int] = defaultdict(int)
    rows = Instance.objects.filter(series__study__in=set(studies)).order_by()
    for pk in rows.values_list("series__study_id", flat=True):
        counts[pk] += 1
    return counts


def _signed_instances(study: Study, *, marked: set[UUID], user: User) -> dict[str, UUID]:
    """Return signed images of other patients that the user may see, each with its study."""
    signed = Review.objects.current().filter(study__examination_type=study.examination_type_id)
    rows = (
        Instance.objects.visible_to(user)
        .filter(series__study__in=signed.values("study"))
        .exclude(series__study__patient=study.patient_id)
        .order_by("-created_at", "id")
        .values_list("pk", "series__study_id")
    )
    carrying = Q(series__study__in=marked)
    return {str(pk): of for part in (rows.filter(carrying), rows.exclude(carrying)) for pk, of in part[:POOL]}


def _layers(analysis: Analysis, pool: dict[str, UUID]) -> tuple[FloatArray | None, _Signed | None]:
    """Return what the layers see of the analyzed image, and of those images of the pool where it is known."""
    own_key = str(analysis.instance_id)
    rows = Embedding.objects.filter(
        embedding_version=analysis.model_version.embedding_version,
        source_id__in=[own_key, *pool],
        layers__isnull=False,
    )
    facts = rows.values_list("source_id", "layers", "group")
    seen = {key: (_numbers(layers), group) for key, layers, group in facts if layers is not None}
    own = seen.pop(own_key, None)
    if own is None or not seen:
        return None, None
    return own[0], _Signed(
        layers=np.stack([layers for layers, _ in seen.values()]),
        studies=[pool[key] for key in seen],
        patients=[group for _, group in seen.values()],
    )


def _numbers(stored: bytes | memoryview) -> FloatArray:
    return np.asarray(np.frombuffer(bytes(stored), dtype="<f4"), np.float32)

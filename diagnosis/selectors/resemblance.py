"""Conditions that the model has no output for yet, found by likeness to what readers signed.

The rule: of the five signed images that lie nearest to the new one, at least three carry
the condition. Images of the same patient do not count, nor do those on which readers
disagree, and there must be enough signed images without it to be told apart from.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db.models import BooleanField, ExpressionWrapper, Q
from numpy.typing import NDArray

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
from mlcore.models import Embedding
from mlcore.selectors import active_version

LEAST_EXAMPLES = 10
"""Signed images with a condition, before anything is compared with them."""
NEAREST, AGREEING = 5, 3
POOL = 5000
"""Signed images that are compared with: those with such a condition first, then the newest."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Resemblance:
    """An image lies among the signed images of a condition."""

    condition: Condition
    examples: int
    """Signed images with the condition that were compared with."""
    agreeing: int
    """How many of the `NEAREST` nearest signed images carry it."""
    similarity: float
    """Mean cosine similarity to the nearest images that carry it."""
    other_similarity: float
    """The same of the nearest that do not."""


def resemblances(analysis: Analysis, study: Study, *, user: User) -> list[Resemblance]:
    """Return the conditions that the analyzed image resembles, the most similar first.

    Only images that the user may see are compared with. What was withheld
    resembles nothing: no result is shown of such an image.
    """
    if analysis.state != AnalysisState.SUCCEEDED:
        return []
    carriers = _carriers(_conditions_without_output(study), study=study)
    if not carriers:
        return []
    marked = {pk for studies in carriers.values() for pk in studies}
    pool = _signed_instances(study, marked=marked, user=user)
    own, found, studies = _vectors(analysis, pool)
    if own is None or not len(found):
        return []
    similarities = found @ own
    seen = (
        resembles(condition, similarities, carries=np.array([pk in with_it for pk in studies], bool))
        for condition, with_it in carriers.items()
    )
    return sorted(filter(None, seen), key=lambda one: -one.similarity)


def _conditions_without_output(study: Study) -> list[Condition]:
    active = active_version(study.examination_type)
    conditions = Condition.objects.filter(
        examination_type=study.examination_type_id, state=ConditionState.APPROVED
    )
    return list(conditions.exclude(code__in=active.classes if active else []))


def _carriers(conditions: list[Condition], *, study: Study) -> dict[Condition, set[UUID]]:
    """Return, for conditions with enough images, the studies that readers agree have them."""
    if not conditions:
        return {}
    by_key = {condition.pk: condition for condition in conditions}
    of_them = Q(condition__in=by_key) | Q(condition__merged_into__in=by_key)
    rows = ReviewFinding.objects.filter(
        of_them,
        review__in=Review.objects.current(),
        review__study__examination_type=study.examination_type_id,
        verdict__in=[Verdict.PRESENT, Verdict.ABSENT],
    )
    said: dict[Condition, dict[str, set[UUID]]] = defaultdict(lambda: defaultdict(set))
    for key, merged, verdict, pk in rows.values_list(
        "condition_id", "condition__merged_into_id", "verdict", "review__study_id"
    ):
        said[by_key[merged or key]][verdict].add(pk)
    agreed = {condition: both[Verdict.PRESENT] - both[Verdict.ABSENT] for condition, both in said.items()}
    counts = _image_counts(pk for studies in agreed.values() for pk in studies)
    return {
        condition: studies
        for condition, studies in agreed.items()
        if sum(counts[pk] for pk in studies) >= LEAST_EXAMPLES
    }


def _image_counts(studies: Iterable[UUID]) -> dict[UUID, int]:
    counts: dict[UUID, int] = defaultdict(int)
    rows = Instance.objects.filter(series__study__in=set(studies)).order_by()
    for pk in rows.values_list("series__study_id", flat=True):
        counts[pk] += 1
    return counts


def _signed_instances(study: Study, *, marked: set[UUID], user: User) -> dict[str, UUID]:
    """Return signed images of other patients that the user may see, each with its study."""
    signed = Review.objects.current().filter(study__examination_type=study.examination_type_id)
    carries = ExpressionWrapper(Q(series__study__in=marked), output_field=BooleanField())
    rows = (
        Instance.objects.visible_to(user)
        .filter(series__study__in=signed.values("study"))
        .exclude(series__study__patient=study.patient_id)
        .annotate(carries=carries)
        .order_by("-carries", "-created_at", "id")
    )
    return {str(pk): of for pk, of in rows.values_list("pk", "series__study_id")[:POOL]}


def _vectors(analysis: Analysis, pool: dict[str, UUID]) -> tuple[Vectors | None, Vectors, list[UUID]]:
    """Return the analyzed image's unit vector, those of the pool, and the study of each of these."""
    own_key = str(analysis.instance_id)
    rows = Embedding.objects.filter(
        embedding_version=analysis.model_version.embedding_version, source_id__in=[own_key, *pool]
    )
    vectors = {key: _unit(bytes(vector)) for key, vector in rows.values_list("source_id", "vector")}
    own = vectors.pop(own_key, None)
    if own is None or not vectors:
        return own, np.zeros((0, 0), np.float32), []
    return own, np.stack(list(vectors.values())), [pool[key] for key in vectors]


def _unit(stored: bytes) -> Vectors:
    vector = np.frombuffer(stored, dtype="<f4")
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)


def resembles(
    condition: Condition, similarities: Vectors, *, carries: NDArray[np.bool_]
) -> Resemblance | None:
    """Apply the rule to one condition; None where the image does not resemble it."""
    if min(int(carries.sum()), int((~carries).sum())) < NEAREST:
        return None
    nearest = np.argsort(-similarities, kind="stable")[:NEAREST]
    agreeing = int(carries[nearest].sum())
    if agreeing < AGREEING:
        return None
    with_it, without = (np.sort(similarities[side])[-NEAREST:] for side in (carries, ~carries))
    return Resemblance(
        condition=condition,
        examples=int(carries.sum()),
        agreeing=agreeing,
        similarity=float(with_it.mean()),
        other_similarity=float(without.mean()),
    )

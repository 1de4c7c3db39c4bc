"""Everything that the page of one study shows."""

from dataclasses import dataclass

from django.db.models import Prefetch, Q

from accounts.models import AuditEntry, User
from diagnosis.models import (
    Analysis,
    Condition,
    Finding,
    Instance,
    Review,
    ReviewFinding,
    ReviewState,
    SimilarInstance,
    Study,
)
from diagnosis.selectors.blinding import answers_hidden_from

_FINDINGS = ReviewFinding.objects.select_related("condition").prefetch_related("boxes")


@dataclass(frozen=True)
class InstanceView:
    """One image with the latest that was said of it; `analysis` is None while hidden or never asked for."""

    instance: Instance
    analysis: Analysis | None


@dataclass(frozen=True)
class SimilarView:
    """A stored image near the shown one, with what a reader signed of it."""

    similar: SimilarInstance
    verdicts: list[ReviewFinding]


@dataclass(frozen=True)
class StudyPage:
    """The page of one study as one user may see it."""

    study: Study
    instances: list[InstanceView]
    similar: list[SimilarView]
    reviews: list[Review]
    draft: Review | None
    priors: list[Study]
    history: list[AuditEntry]
    conditions: list[Condition]
    answers_hidden: bool

    @property
    def current_reviews(self) -> list[Review]:
        """Return the signed reviews that no other amends."""
        amended = {review.amends_id for review in self.reviews}
        return [review for review in self.reviews if review.pk not in amended]


def study_page(study: Study, *, user: User) -> StudyPage:
    """Gather the page; answers that are hidden from the user are not even read."""
    hidden = answers_hidden_from(user, study)
    instances = list(Instance.objects.visible_to(user).filter(series__study=study).select_related("series"))
    analyses = {} if hidden else _latest_analyses(instances)
    reviews = _reviews(study)
    # A colleague's signed verdicts would give the answer away as much as the model's.
    shown_reviews = [r for r in reviews if r.reader_id == user.pk] if hidden else reviews
    return StudyPage(
        study=study,
        instances=[InstanceView(instance, analyses.get(instance.pk)) for instance in instances],
        similar=_similar(list(analyses.values()), user=user),
        reviews=shown_reviews,
        draft=_draft(study, user=user),
        priors=_priors(study, user=user),
        history=[] if hidden else _history(study, reviews),
        conditions=list(
            Condition.objects.selectable_by(user).filter(examination_type=study.examination_type_id)
        ),
        answers_hidden=hidden,
    )


def _latest_analyses(instances: list[Instance]) -> dict[object, Analysis]:
    analyses = (
        Analysis.objects.filter(instance__in=instances)
        .select_related("model_version", "instance")
        .prefetch_related(
            Prefetch("findings", Finding.objects.select_related("condition")), "findings__explanations"
        )
        .order_by("requested_at", "id")
    )
    return {analysis.instance_id: analysis for analysis in analyses}


def _similar(analyses: list[Analysis], *, user: User) -> list[SimilarView]:
    visible = Instance.objects.visible_to(user)
    found = list(
        SimilarInstance.objects.filter(analysis__in=analyses, instance__in=visible)
        .select_related("instance__series__study__patient")
        .order_by("distance", "rank")
    )
    verdicts: dict[object, list[ReviewFinding]] = {}
    signed = ReviewFinding.objects.filter(
        review__in=Review.objects.current(),
        review__study__in={row.instance.series.study_id for row in found},
    ).select_related("condition", "review")
    for verdict in signed:
        verdicts.setdefault(verdict.review.study_id, []).append(verdict)
    return [SimilarView(row, verdicts.get(row.instance.series.study_id, [])) for row in found]


def _reviews(study: Study) -> list[Review]:
    return list(
        study.reviews.filter(state=ReviewState.SIGNED)
        .select_related("reader", "amends", "model_version")
        .prefetch_related(Prefetch("findings", _FINDINGS.all()))
        .order_by("-signed_at")
    )


def _draft(study: Study, *, user: User) -> Review | None:
    return (
        study.reviews.filter(state=ReviewState.DRAFT, reader=user)
        .prefetch_related(Prefetch("findings", _FINDINGS.all()))
        .first()
    )


def _priors(study: Study, *, user: User) -> list[Study]:
    """Return the patient's other studies that the user may see, the newest first."""
    return list(
        Study.objects.visible_to(user)
        .filter(patient=study.patient_id)
        .exclude(pk=study.pk)
        .select_related("examination_type")
        .order_by("-created_at")[:20]
    )


def _history(study: Study, reviews: list[Review]) -> list[AuditEntry]:
    """Return what was done to the study and its signed reviews, the newest first."""
    of_study = Q(target_type="diagnosis.study", target_id=str(study.pk))
    of_reviews = Q(target_type="diagnosis.review", target_id__in=[str(review.pk) for review in reviews])
    return list(AuditEntry.objects.filter(of_study | of_reviews).select_related("actor")[:100])

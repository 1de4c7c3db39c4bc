"""Each study names its latest analysis and says how it was read, so that no list has to look for it."""

from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from diagnosis.models import Analysis, Finding, Review, ReviewFinding, Study
from diagnosis.models.review import WAYS_TO_DIFFER
from diagnosis.models.study import NOT_RANKED


def note_latest_analysis(study_id: UUID) -> None:
    """Enter which analysis of the study is the latest, and its highest probability.

    To be called in the transaction that adds or removes an analysis, an image or
    findings. What is in quarantine does not count.
    """
    note_latest_analyses(Study.objects.filter(pk=study_id))


def note_latest_analyses(studies: "QuerySet[Study]") -> None:
    """Enter the same for many studies at once."""
    # By an expression, so that a database looks up the few analyses of the study. By the bare
    # column it may walk all analyses of the site in that order until it meets one of the study.
    requested = Coalesce(F("requested_at"), F("requested_at")).desc()
    shown = Analysis.objects.filter(instance__series__study=OuterRef("pk"), instance__quarantined_at=None)
    latest = shown.order_by(requested, "id").values("pk")[:1]
    top = Finding.objects.filter(analysis=OuterRef("latest_analysis")).order_by("-probability")
    studies.update(latest_analysis=Subquery(latest))
    studies.update(ranked_probability=Coalesce(Subquery(top.values("probability")[:1]), NOT_RANKED))


def note_reading(study_id: UUID) -> None:
    """Enter whether a review of the study is signed, and whether a standing one differs from the model.

    To be called in the transaction that signs a review.
    """
    note_readings(Study.objects.filter(pk=study_id))


def note_readings(studies: "QuerySet[Study]") -> None:
    """Enter the same for many studies at once."""
    reviews = Review.objects.filter(study=OuterRef("pk"))
    differs = ReviewFinding.objects.filter(reduce(or_, WAYS_TO_DIFFER), review=OuterRef("pk"))
    studies.update(
        is_signed=Exists(reviews.signed()),
        reader_differs=Exists(reviews.current().filter(Exists(differs))),
    )

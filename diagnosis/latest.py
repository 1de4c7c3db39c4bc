"""Each study names the latest analysis of its images and ranks by it, so that no list has to look for it."""

from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from diagnosis.models import Analysis, Finding, Study
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

"""Analyses as a user may see them."""

from django.db.models import Prefetch, QuerySet

from accounts.models import User
from diagnosis.models import Analysis, Finding, Instance, SimilarInstance
from diagnosis.selectors.blinding import with_answers_hidden


def shown_analyses(user: User) -> "QuerySet[Analysis]":
    """Return the analyses the user may see, with all that is shown of them and `answers_hidden`."""
    similar = SimilarInstance.objects.filter(instance__in=Instance.objects.visible_to(user))
    analyses = Analysis.objects.visible_to(user).select_related("model_version", "instance__series")
    return with_answers_hidden(
        analyses.prefetch_related(
            Prefetch("findings", Finding.objects.select_related("condition")),
            Prefetch("similar_instances", similar.select_related("instance__series")),
        ),
        user=user,
        study="instance__series__study",
    )


def shown_findings(user: User) -> "QuerySet[Finding]":
    """Return the findings of the analyses the user may see, with `answers_hidden`."""
    findings = Finding.objects.filter(analysis__in=Analysis.objects.visible_to(user))
    related = ("condition", "analysis__model_version", "analysis__instance__series")
    return with_answers_hidden(
        findings.select_related(*related), user=user, study="analysis__instance__series__study"
    )


def latest_analysis(instance: Instance) -> Analysis | None:
    """Return the analysis of the instance that was asked for last."""
    found: Analysis | None = (
        Analysis.objects.filter(instance=instance).order_by("-requested_at", "id").first()
    )
    return found

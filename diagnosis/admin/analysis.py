"""Administration of analyses, their findings and the similar images they found."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from diagnosis.admin.actions import cancel, retry
from diagnosis.admin.inlines import FindingInline, SimilarInline
from diagnosis.admin.search import StudySearchMixin
from diagnosis.models import Analysis, Explanation, Finding, SimilarInstance
from mlcore.admin.base import TableAdmin
from mlcore.admin.columns import EMPTY, change_link, figures, in_seconds, rounded

TOP_FINDING = Finding.objects.filter(analysis=models.OuterRef("pk")).order_by("-probability", "id")


@admin.register(Analysis)
class AnalysisAdmin(StudySearchMixin, TableAdmin):
    """What models said of images; a failed analysis can be tried again."""

    list_display = [
        "short_id",
        "state",
        "study_link",
        "version",
        "top_finding",
        "why",
        "requested_at",
    ]
    list_filter = ["state", "model_version"]
    list_select_related = [
        "model_version",
        "instance__series__study__examination_type",
        "instance__series__study__patient",
    ]
    study_path = "instance__series__study"
    date_hierarchy = "requested_at"
    sortable_by = ("requested_at",)
    link_lookups = frozenset({"instance__id__exact", "instance__series__study__id__exact"})
    actions = [retry, cancel]
    inlines = [FindingInline, SimilarInline]
    worked_out = {
        "top_condition": models.Subquery(TOP_FINDING.values("condition__name")[:1]),
        "top_probability": models.Subquery(TOP_FINDING.values("probability")[:1]),
    }
    readonly_fields = ["study_link", "took", "measured"]
    fieldsets = [
        (None, {"fields": ["state", "study_link", "instance", "model_version", "frame_index", "measured"]}),
        (
            "Why there is no answer",
            {"fields": ["withheld_reason", "withheld_message", "failure_code", "failure_message"]},
        ),
        (
            "Work",
            {
                "fields": [
                    "requested_by",
                    "requested_at",
                    "signaled_at",
                    "attempts",
                    "worker",
                    "started_at",
                    "lease_expires_at",
                    "finished_at",
                    "took",
                    "saliency_method",
                ]
            },
        ),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Analysis | None = None) -> Any:
        """Leave out why there is no answer where there is one."""
        facts, why, work = super().get_fieldsets(request, obj)
        return [facts, why, work] if obj and (obj.withheld_reason or obj.failure_code) else [facts, work]

    @admin.display(description="Analysis")
    def short_id(self, row: Analysis) -> str:
        """Return the first characters of the id."""
        return str(row.pk)[:8]

    @admin.display(description="Study")
    def study_link(self, row: Analysis) -> str:
        """Return a link to the study, by the pseudonym of its patient."""
        return change_link(row.instance.series.study, text=row.instance.series.study.patient)

    @admin.display(description="Model")
    def version(self, row: Analysis) -> str:
        """Return a link to the model version, by its number."""
        return change_link(row.model_version, text=f"v{row.model_version.version}")

    @admin.display(description="Quality")
    def measured(self, row: Analysis) -> str:
        """Return what was measured of the image."""
        return figures(row.quality)

    @admin.display(description="Most probable")
    def top_finding(self, row: Analysis) -> str:
        """Return the most probable condition."""
        name = getattr(row, "top_condition", None)
        return f"{name} {getattr(row, 'top_probability', 0):.2f}" if name else EMPTY

    @admin.display(description="Why not")
    def why(self, row: Analysis) -> str:
        """Return the reason where there is no answer."""
        return row.withheld_reason or row.failure_code or EMPTY

    @admin.display
    def took(self, row: Analysis) -> str:
        """Return how long it took from the request to the end."""
        return in_seconds(row.finished_at - row.requested_at if row.finished_at else None)


@admin.register(Finding)
class FindingAdmin(StudySearchMixin, TableAdmin):
    """The models' answers, condition by condition."""

    list_display = ["__str__", "is_suggested", "threshold", "analysis_link"]
    list_filter = ["condition"]
    list_select_related = ["condition", "analysis"]
    study_path = "analysis__instance__series__study"
    ordering = ["-id"]
    link_lookups = frozenset({"analysis__id__exact"})
    readonly_fields = ["is_suggested"]

    @admin.display(description="Operating point")
    def threshold(self, row: Finding) -> str:
        """Return the probability from which the condition is suggested."""
        return rounded(row.operating_point)

    @admin.display(boolean=True, description="Suggested")
    def is_suggested(self, row: Finding) -> bool:
        """Tell whether the probability reaches the operating point."""
        return row.suggested

    @admin.display(description="Analysis")
    def analysis_link(self, row: Finding) -> str:
        """Return a link to the analysis."""
        return change_link(row.analysis, text=f"{row.analysis} {str(row.analysis_id)[:8]}")


@admin.register(Explanation)
class ExplanationAdmin(StudySearchMixin, TableAdmin):
    """Maps that were asked for."""

    list_display = ["method", "state", "finding", "requested_by", "requested_at", "failure_code"]
    list_filter = ["state", "method"]
    list_select_related = ["finding__condition", "requested_by"]
    study_path = "finding__analysis__instance__series__study"
    link_lookups = frozenset({"finding__id__exact"})


@admin.register(SimilarInstance)
class SimilarInstanceAdmin(TableAdmin):
    """Which stored images lay near an analyzed one."""

    list_display = ["__str__", "analysis_link", "image"]
    list_select_related = ["analysis", "instance"]
    ordering = ["-id"]
    link_lookups = frozenset({"analysis__id__exact"})

    @admin.display(description="Analysis")
    def analysis_link(self, row: SimilarInstance) -> str:
        """Return a link to the analysis."""
        return change_link(row.analysis, text=f"{row.analysis} {str(row.analysis_id)[:8]}")

    @admin.display(description="Similar image")
    def image(self, row: SimilarInstance) -> str:
        """Return a link to the similar image."""
        return change_link(row.instance)

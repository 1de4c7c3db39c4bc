"""What stands below a study, a series, an instance and an analysis."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from diagnosis.admin.pictures import PictureMixin
from diagnosis.models import Analysis, Finding, Instance, Review, ReviewFinding, Series, SimilarInstance
from mlcore.admin.base import FactsInline
from mlcore.admin.columns import change_link, rounded


class SeriesInline(FactsInline):
    """The series of a study."""

    model = Series
    shown = ("series_instance_uid", "modality", "body_part_examined", "laterality", "series_number")


class InstanceInline(PictureMixin, FactsInline):
    """The images of a series."""

    model = Instance
    shown = ("icon", "format", "columns", "rows", "frame_count", "view_position", "created_at")


class ReviewInline(FactsInline):
    """The reviews of a study."""

    model = Review
    shown = ("reader", "state", "model_answer_seen", "training_consent", "started_at", "signed_at")
    verbose_name_plural = "reviews"


class AnalysisInline(FactsInline):
    """The analyses of an instance."""

    model = Analysis
    shown = ("model_version", "state", "attempts", "withheld_reason", "failure_code", "finished_at")


class FindingInline(FactsInline):
    """The findings of an analysis."""

    model = Finding
    shown = ("condition", "rounded_probability", "rounded_operating_point", "is_suggested")

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Finding]":
        """Return the findings with their conditions."""
        return super().get_queryset(request).select_related("condition")

    @admin.display(description="Probability")
    def rounded_probability(self, row: Finding) -> str:
        """Return the probability with three decimals."""
        return rounded(row.probability)

    @admin.display(description="Operating point")
    def rounded_operating_point(self, row: Finding) -> str:
        """Return the operating point with three decimals."""
        return rounded(row.operating_point)

    @admin.display(boolean=True, description="Suggested")
    def is_suggested(self, row: Finding) -> bool:
        """Tell whether the probability reaches the operating point."""
        return row.suggested


class SimilarInline(FactsInline):
    """The similar images that an analysis found."""

    model = SimilarInstance
    shown = ("rank", "image", "rounded_distance")

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[SimilarInstance]":
        """Return the similar images with their instances."""
        return super().get_queryset(request).select_related("instance")

    @admin.display(description="Distance")
    def rounded_distance(self, row: SimilarInstance) -> str:
        """Return the distance with three decimals."""
        return rounded(row.distance)

    @admin.display
    def image(self, row: SimilarInstance) -> str:
        """Return a link to the similar image."""
        return change_link(row.instance)


class ReviewFindingInline(FactsInline):
    """The verdicts of a review."""

    model = ReviewFinding
    shown = ("condition", "verdict", "suggested_by_model", "note")

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[ReviewFinding]":
        """Return the verdicts with their conditions."""
        return super().get_queryset(request).select_related("condition")

"""Administration of reviews and their verdicts."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from diagnosis.admin.inlines import ReviewFindingInline
from diagnosis.admin.search import StudySearchMixin, people_meant
from diagnosis.models import FindingBox, Review, ReviewFinding
from mlcore.admin.base import TableAdmin
from mlcore.admin.columns import change_link, count_of


@admin.register(Review)
class ReviewAdmin(StudySearchMixin, TableAdmin):
    """What readers said; a signed review is never changed, only amended by its reader."""

    list_display = [
        "started_at",
        "state",
        "reader",
        "study_link",
        "verdicts",
        "saw_the_model",
        "may_train",
        "amendment",
        "signed_at",
    ]
    list_filter = ["state", "model_answer_seen", "training_consent"]
    list_select_related = ["reader", "study__examination_type", "study__patient"]
    study_path = "study"
    search_help_text = "A reader's or owner's name or email, a pseudonym, a study's id or its UID."
    sortable_by = ("started_at",)
    link_lookups = frozenset({"study__id__exact", "reader__id__exact"})
    inlines = [ReviewFindingInline]
    worked_out = {"verdict_count": count_of(ReviewFinding.objects.all(), on="review")}

    def get_search_results(
        self, request: HttpRequest, queryset: "models.QuerySet[Any]", search_term: str
    ) -> tuple["models.QuerySet[Any]", bool]:
        """Find by what the study is known by, and by who wrote the review."""
        found, distinct = super().get_search_results(request, queryset, search_term)
        return (
            found | queryset.filter(reader__in=people_meant(search_term))
        ) if search_term else found, distinct

    @admin.display(description="Study")
    def study_link(self, row: Review) -> str:
        """Return a link to the study, by the pseudonym of its patient."""
        return change_link(row.study, text=row.study.patient)

    @admin.display
    def verdicts(self, row: Review) -> int:
        """Return how many conditions were judged."""
        return int(getattr(row, "verdict_count", 0))

    @admin.display(boolean=True)
    def saw_the_model(self, row: Review) -> bool:
        """Tell whether the reader had been shown the model's answer."""
        return row.model_answer_seen

    @admin.display(boolean=True)
    def may_train(self, row: Review) -> bool:
        """Tell whether the study may be used to train models."""
        return row.training_consent

    @admin.display(boolean=True)
    def amendment(self, row: Review) -> bool:
        """Tell whether the review amends an earlier one."""
        return row.amends_id is not None


@admin.register(ReviewFinding)
class ReviewFindingAdmin(StudySearchMixin, TableAdmin):
    """The readers' verdicts, condition by condition."""

    list_display = ["__str__", "condition", "verdict", "suggested_by_model", "review_link"]
    list_filter = ["verdict", "condition"]
    list_select_related = ["condition", "review__reader"]
    study_path = "review__study"
    ordering = ["-id"]
    link_lookups = frozenset({"review__id__exact"})

    @admin.display(description="Review")
    def review_link(self, row: ReviewFinding) -> str:
        """Return a link to the review."""
        return change_link(row.review)


@admin.register(FindingBox)
class FindingBoxAdmin(StudySearchMixin, TableAdmin):
    """Where in an image readers saw what their verdicts say."""

    list_display = ["__str__", "condition", "frame_index", "instance_link", "review_link"]
    list_select_related = ["finding__condition", "finding__review__reader", "instance"]
    study_path = "finding__review__study"
    ordering = ["-id"]

    @admin.display
    def condition(self, row: FindingBox) -> str:
        """Return the condition that was seen there."""
        return str(row.finding.condition)

    @admin.display(description="Image")
    def instance_link(self, row: FindingBox) -> str:
        """Return a link to the image."""
        return change_link(row.instance)

    @admin.display(description="Review")
    def review_link(self, row: FindingBox) -> str:
        """Return a link to the review."""
        return change_link(row.finding.review)

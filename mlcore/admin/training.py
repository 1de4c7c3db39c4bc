"""Administration of training runs and of the gate."""

from django.contrib import admin
from django.utils.html import format_html, format_html_join

from mlcore.admin.base import TableAdmin
from mlcore.admin.columns import change_link, figures, in_seconds, rounded
from mlcore.models import GateReport, TrainingRun


@admin.register(TrainingRun)
class TrainingRunAdmin(TableAdmin):
    """Trainings, those that run and those that ended."""

    list_display = [
        "requested_at",
        "examination_type",
        "kind",
        "state",
        "dataset_version",
        "trigger",
        "candidate_link",
        "failure_code",
        "took",
    ]
    list_filter = ["state", "kind", "trigger", "examination_type"]
    list_select_related = ["examination_type", "dataset_version__examination_type", "candidate"]
    search_fields = ["architecture", "=failure_code"]
    readonly_fields = ["candidate_link", "took"]

    @admin.display(description="Candidate")
    def candidate_link(self, row: TrainingRun) -> str:
        """Return a link to the model version that came out."""
        return change_link(row.candidate)

    @admin.display
    def took(self, row: TrainingRun) -> str:
        """Return how long the training ran."""
        ended = row.started_at and row.finished_at
        return in_seconds(row.finished_at - row.started_at if ended else None)  # type: ignore[operator]


@admin.register(GateReport)
class GateReportAdmin(TableAdmin):
    """Candidate and incumbent on the same frozen test set."""

    list_display = ["created_at", "candidate_link", "incumbent_link", "passed", "dataset_version"]
    list_filter = ["passed", "candidate__examination_type"]
    list_select_related = ["candidate", "incumbent", "dataset_version__examination_type"]
    search_fields = ["candidate__name"]
    readonly_fields = ["criteria_table", "before_and_after"]
    fields = [
        *("passed", "candidate", "incumbent", "dataset_version"),
        *("criteria_table", "before_and_after", "created_at"),
    ]

    @admin.display(description="Candidate")
    def candidate_link(self, row: GateReport) -> str:
        """Return a link to the candidate."""
        return change_link(row.candidate)

    @admin.display(description="Incumbent")
    def incumbent_link(self, row: GateReport) -> str:
        """Return a link to the version that was active."""
        return change_link(row.incumbent)

    @admin.display(description="Criteria")
    def criteria_table(self, row: GateReport) -> str:
        """Return each criterion with all that the gate says of it."""
        said = (", ".join(f"{key}: {rounded(value)}" for key, value in one.items()) for one in row.criteria)
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((line,) for line in said)))

    @admin.display(description="Before and after")
    def before_and_after(self, row: GateReport) -> str:
        """Return the figures of both models."""
        return figures(row.figures)

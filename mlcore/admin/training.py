"""Administration of training runs and of the gate."""

from django.contrib import admin

from accounts.admin_actions import reason_action
from mlcore.admin.base import TableAdmin
from mlcore.admin.columns import change_link, in_seconds
from mlcore.admin.reports import before_and_after, criteria_table, progress_line
from mlcore.models import GateReport, TrainingRun, TrainingState
from mlcore.models.training import OPEN_STATES
from mlcore.services import training

cancel = reason_action(
    "cancel",
    label="Cancel",
    consequence="A training that waits is cancelled at once, one that runs within seconds. "
    "What it has learned so far is lost.",
    perform=training.cancel_training,
    applies=lambda row: row.state in OPEN_STATES,
)
retry = reason_action(
    "retry",
    label="Retry",
    consequence="The failed training is queued again on the same data, and goes on from its checkpoint.",
    perform=training.retry_training,
    applies=lambda row: row.state == TrainingState.FAILED,
)


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
    readonly_fields = ["candidate_link", "took", "how_far"]
    actions = [cancel, retry]

    @admin.display(description="Candidate")
    def candidate_link(self, row: TrainingRun) -> str:
        """Return a link to the model version that came out."""
        return change_link(row.candidate)

    @admin.display(description="Progress")
    def how_far(self, row: TrainingRun) -> str:
        """Return where the training stands."""
        return progress_line(row.progress)

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
        return criteria_table(row.criteria)

    @admin.display(description="Before and after")
    def before_and_after(self, row: GateReport) -> str:
        """Return the figures of both models."""
        return before_and_after(row.figures.get("by_condition", {}))

"""Administration of model versions: activate, roll back, reject."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from accounts.admin_actions import reason_action
from mlcore.admin.base import TableAdmin
from mlcore.admin.columns import EMPTY, bullets, figures, rounded
from mlcore.admin.reports import change_report_table
from mlcore.models import ModelState, ModelVersion
from mlcore.selectors import live_processes
from mlcore.selectors.change_report import change_report
from mlcore.services import promotion, registry, training

activate = reason_action(
    "activate",
    label="Activate",
    consequence="From now on this version answers for its examination type; the one that did is retired. "
    "Only a candidate that passed the gate against it is let through. "
    "Workers load it within seconds. Images that were analyzed before keep their answers.",
    perform=promotion.promote,
    permissions=["decide"],
    applies=lambda row: row.state == ModelState.CANDIDATE,
)
roll_back = reason_action(
    "roll_back",
    label="Roll back to this version",
    consequence="The retired version answers again, with the same file and so with the same answers; "
    "the version that is active now is retired.",
    perform=promotion.promote,
    permissions=["decide"],
    applies=lambda row: row.state == ModelState.RETIRED,
)
measure = reason_action(
    "measure",
    label="Measure at the gate",
    consequence="The candidate is held against the model that answers now, on the newest dataset version. "
    "The gate report appears within minutes.",
    perform=training.request_gate,
    applies=lambda row: row.state == ModelState.CANDIDATE,
)
reject = reason_action(
    "reject",
    label="Reject",
    consequence="A rejected candidate can never be activated.",
    perform=registry.reject_version,
    permissions=["decide"],
    applies=lambda row: row.state == ModelState.CANDIDATE,
)


@admin.register(ModelVersion)
class ModelVersionAdmin(TableAdmin):
    """The registry of models; the artifact is the truth, so nothing is edited here."""

    list_display = [
        "__str__",
        "examination_type",
        "state",
        "architecture",
        "validation_auroc",
        "activated_at",
    ]
    list_filter = ["state", "examination_type"]
    list_select_related = ["examination_type"]
    search_fields = ["name", "architecture", "=artifact_sha256", "=dataset_sha256"]
    sortable_by = ("activated_at",)
    actions = [activate, roll_back, reject, measure]
    readonly_fields = [
        "operating_point_table",
        "served_by",
        "class_list",
        "limit_list",
        "figures_of_merit",
        "what_changed",
    ]
    fieldsets = [
        (None, {"fields": ["name", "version", "examination_type", "state", "served_by"]}),
        (
            "What it answers",
            {"fields": ["class_list", "operating_point_table", "intended_use", "limit_list"]},
        ),
        ("How it was measured", {"fields": ["figures_of_merit", "dataset_sha256"]}),
        ("Change report", {"fields": ["what_changed"]}),
        (
            "Artifact",
            {"fields": ["architecture", "embedding_version", "artifact_key", "artifact_sha256"]},
        ),
        ("Times", {"fields": ["trained_at", "registered_at", "activated_at", "retired_at"]}),
    ]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Only an administrator decides which model answers."""
        return bool(request.user.is_active and request.user.is_superuser)

    @admin.display(description="AUROC")
    def validation_auroc(self, row: ModelVersion) -> str:
        """Return the area under the curve that the artifact states."""
        stated = row.metrics.get("auroc", row.metrics.get("validation_auroc"))
        return rounded(stated)

    @admin.display(description="Conditions")
    def class_list(self, row: ModelVersion) -> str:
        """Return the codes of the conditions the model answers for."""
        return ", ".join(row.classes)

    @admin.display(description="Limits")
    def limit_list(self, row: ModelVersion) -> str:
        """Return what the model cannot do."""
        return bullets(row.limits)

    @admin.display(description="Figures of merit")
    def figures_of_merit(self, row: ModelVersion) -> str:
        """Return what the artifact says was measured."""
        return figures(row.metrics)

    @admin.display(description="What changed")
    def what_changed(self, row: ModelVersion) -> str:
        """Return what the version changed, on which data, what the gate found, and who approved it."""
        return change_report_table(change_report(row))

    @admin.display(description="Loaded by")
    def served_by(self, row: ModelVersion) -> str:
        """Return which living worker processes hold the version."""
        key = str(row.pk)
        return ", ".join(p.name for p in live_processes() if key in p.models_loaded.values()) or EMPTY

    @admin.display(description="Operating points")
    def operating_point_table(self, row: ModelVersion) -> str:
        """Return where each condition is suggested, and what that was measured to give."""
        lines = format_html_join(
            "",
            "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (code, *(rounded(point.get(name)) for name in ("threshold", "sensitivity", "specificity")))
                for code, point in row.operating_points.items()
            ),
        )
        head = "<th>Condition</th><th>Threshold</th><th>Sensitivity</th><th>Specificity</th>"
        return format_html("<table><thead><tr>" + head + "</tr></thead><tbody>{}</tbody></table>", lines)

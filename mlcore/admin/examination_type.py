"""Administration of examination types."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from accounts.admin_actions import reason_action
from accounts.models import User
from mlcore.admin.base import AuditedAdmin
from mlcore.admin.change_plan import adopt_change_plan
from mlcore.admin.columns import count_of, list_link
from mlcore.models import DatasetVersion, ExaminationType, ModelVersion
from mlcore.services.datasets import freeze_version


def freeze(row: ExaminationType, *, by: User, reason: str) -> DatasetVersion:
    """Freeze what is accepted now; the reason is the version's note."""
    return freeze_version(row, by=by, note=reason[:300])


freeze_dataset = reason_action(
    "freeze_dataset",
    label="Freeze a dataset version",
    consequence="What is accepted and labeled now becomes a version that never changes. "
    "If nothing changed since the last one, there is no new version.",
    perform=freeze,
)


@admin.register(ExaminationType)
class ExaminationTypeAdmin(AuditedAdmin):
    """Examination types are data: added and edited here, deleted while nothing refers to them."""

    list_display = ["name", "code", "modality", "body_part_examined", "answering", "versions"]
    search_fields = ["name", "code"]
    ordering = ["name"]
    sortable_by = ("name", "code")
    actions = [freeze_dataset, adopt_change_plan]
    keep_instead = "Rename it if its name misleads."
    worked_out = {
        "active_version": models.Subquery(
            ModelVersion.objects.active().filter(examination_type=models.OuterRef("pk")).values("version")
        ),
        "version_count": count_of(ModelVersion.objects.all(), on="examination_type"),
    }

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Only an administrator decides what may change."""
        return bool(request.user.is_active and request.user.is_superuser)

    def get_readonly_fields(self, request: HttpRequest, obj: ExaminationType | None = None) -> list[str]:
        """Fix the code once it is given: artifacts name it."""
        return ["created_at"] if obj is None else ["code", "created_at"]

    @admin.display(description="Model that answers")
    def answering(self, row: ExaminationType) -> str:
        """Return the number of the active version."""
        number = getattr(row, "active_version", None)
        return "none" if number is None else f"version {number}"

    @admin.display(description="Model versions")
    def versions(self, row: ExaminationType) -> str:
        """Return how many versions there are, with a link to them."""
        return list_link(
            ModelVersion, text=getattr(row, "version_count", 0), examination_type__id__exact=row.pk
        )

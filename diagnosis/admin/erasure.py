"""Administration of erasures: what one person asked for, another decides."""

from django.contrib import admin
from django.http import HttpRequest

from diagnosis.admin.actions import confirm_erasure, refuse_erasure
from diagnosis.models import Erasure
from mlcore.admin.base import TableAdmin
from mlcore.admin.columns import change_link


@admin.register(Erasure)
class ErasureAdmin(TableAdmin):
    """Images to be erased, and those that were."""

    list_display = ["requested_at", "state", "image", "requested_by", "reason", "decided_by", "decided_at"]
    list_filter = ["state"]
    list_select_related = ["instance", "requested_by", "decided_by"]
    search_fields = ["=instance_key"]
    search_help_text = "The id of an image."
    sortable_by = ("requested_at",)
    actions = [confirm_erasure, refuse_erasure]
    readonly_fields = ["image"]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Only an administrator decides."""
        return bool(request.user.is_active and request.user.is_superuser)

    @admin.display(description="Image")
    def image(self, row: Erasure) -> str:
        """Return a link to the image, or the id of one that is gone."""
        return change_link(row.instance) if row.instance else str(row.instance_key)

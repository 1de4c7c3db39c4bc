"""Administration of exports: who took what, and when."""

from django.contrib import admin

from diagnosis.models import Export
from mlcore.admin.base import TableAdmin


@admin.register(Export)
class ExportAdmin(TableAdmin):
    """Exports over REST; each download is an entry of the audit trail."""

    list_display = ["requested_at", "kind", "format", "state", "requested_by", "row_count", "expires_at"]
    list_filter = ["state", "kind"]
    list_select_related = ["requested_by"]
    search_fields = ["=requested_by__email"]
    search_help_text = "The email of whoever asked for it."
    sortable_by = ("requested_at",)

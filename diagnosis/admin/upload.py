"""Administration of uploads."""

from django.contrib import admin
from django.template.defaultfilters import filesizeformat

from diagnosis.models import PartialUpload, Upload
from mlcore.admin.base import TableAdmin
from mlcore.admin.columns import change_link, in_seconds


@admin.register(Upload)
class UploadAdmin(TableAdmin):
    """What was handed in, and what became of it."""

    list_display = ["received_at", "verdict", "uploaded_by", "source", "size", "image"]
    list_filter = ["state", "source", "duplicate"]
    list_select_related = ["uploaded_by", "instance"]
    search_fields = ["uploaded_by__email", "uploaded_by__full_name"]
    search_help_text = "The name or email of whoever handed it in."
    sortable_by = ("received_at",)
    readonly_fields = ["image", "took"]
    link_lookups = frozenset({"instance__id__exact", "uploaded_by__id__exact"})

    @admin.display
    def verdict(self, row: Upload) -> str:
        """Return what became of the file, and why it was rejected."""
        if row.rejection_code:
            return f"rejected: {row.rejection_code}"
        return "duplicate" if row.duplicate else row.state

    @admin.display
    def size(self, row: Upload) -> str:
        """Return the size of the file as it was sent."""
        return filesizeformat(row.byte_count)

    @admin.display(description="Stored image")
    def image(self, row: Upload) -> str:
        """Return a link to the image that is stored."""
        return change_link(row.instance)

    @admin.display
    def took(self, row: Upload) -> str:
        """Return how long it took to the verdict."""
        return in_seconds(row.finished_at - row.received_at if row.finished_at else None)


@admin.register(PartialUpload)
class PartialUploadAdmin(TableAdmin):
    """Files on their way in; what was left unfinished goes by itself."""

    list_display = ["created_at", "uploaded_by", "arrived", "last_part_at", "verdict"]
    list_select_related = ["uploaded_by", "upload"]
    search_fields = ["uploaded_by__email", "uploaded_by__full_name"]
    search_help_text = "The name or email of whoever sends it."
    sortable_by = ("created_at",)
    link_lookups = frozenset({"uploaded_by__id__exact"})

    @admin.display
    def arrived(self, row: PartialUpload) -> str:
        """Return how much of the file is there."""
        return f"{filesizeformat(row.received_count)} of {filesizeformat(row.byte_count)}"

    @admin.display
    def verdict(self, row: PartialUpload) -> str:
        """Return a link to what became of the file, once it is whole."""
        return change_link(row.upload, text=row.upload.state) if row.upload else "on its way"

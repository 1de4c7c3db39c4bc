"""Administration of what models learn from."""

from django.contrib import admin

from mlcore.admin.base import FactsInline, TableAdmin
from mlcore.admin.columns import change_link, count_of
from mlcore.models import DatasetItem, DatasetLabel, DatasetVersion


class LabelInline(FactsInline):
    """The labels of an item."""

    model = DatasetLabel
    shown = ("condition", "present", "labeled_by", "model_answer_seen", "labeled_at", "superseded_at")


@admin.register(DatasetItem)
class DatasetItemAdmin(TableAdmin):
    """Images that may be learned from."""

    list_display = ["source_id", "examination_type", "fold", "state", "state_reason", "labels", "added_at"]
    list_filter = ["state", "fold", "examination_type"]
    list_select_related = ["examination_type"]
    search_fields = ["=source_id", "=group"]
    search_help_text = "The id of an instance or of a patient."
    ordering = ["-pk"]
    inlines = [LabelInline]
    worked_out = {"label_count": count_of(DatasetLabel.objects.all(), on="item")}

    @admin.display
    def labels(self, row: DatasetItem) -> int:
        """Return how many labels the item has."""
        return int(getattr(row, "label_count", 0))


@admin.register(DatasetLabel)
class DatasetLabelAdmin(TableAdmin):
    """What readers and imports said of the items."""

    list_display = ["__str__", "item_link", "labeled_by", "model_answer_seen", "labeled_at", "superseded_at"]
    list_filter = ["present", "model_answer_seen"]
    list_select_related = ["item"]
    search_fields = ["=condition", "=labeled_by", "=origin_id"]
    search_help_text = "A condition's code, the id of a reader or of a review."
    ordering = ["-pk"]

    @admin.display(description="Item")
    def item_link(self, row: DatasetLabel) -> str:
        """Return a link to the item."""
        return change_link(row.item)


@admin.register(DatasetVersion)
class DatasetVersionAdmin(TableAdmin):
    """Frozen lists of items and labels."""

    list_display = ["__str__", "item_count", "note", "created_by", "created_at"]
    list_filter = ["examination_type"]
    list_select_related = ["examination_type", "created_by"]
    search_fields = ["note", "=manifest_sha256"]

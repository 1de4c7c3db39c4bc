"""Administration of what models learn from: what waits for a data steward, and what was frozen."""

from django import forms
from django.contrib import admin

from accounts.admin_actions import ReasonForm, reason_action
from mlcore.admin.base import FactsInline, TableAdmin
from mlcore.admin.columns import change_link, count_of
from mlcore.models import DatasetItem, DatasetLabel, DatasetVersion, ItemState
from mlcore.services.datasets import stewardship


class ResolveForm(ReasonForm):
    """Asks which of the disputed conditions are present."""

    present = forms.CharField(
        required=False,
        max_length=500,
        label="Conditions that are present",
        help_text="The codes of the disputed conditions that are present, separated by commas; "
        "the others become absent. Leave it empty if none is.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    field_order = ["present", "reason"]


resolve = reason_action(
    "resolve",
    label="Decide which labels hold",
    consequence="The labels that disagree stay on record and count no longer; yours take their place.",
    perform=stewardship.decide_dispute,
    applies=lambda row: row.state == ItemState.CONFLICTING,
    form_class=ResolveForm,
)
accept = reason_action(
    "accept",
    label="Accept",
    consequence="Models may learn from these images. Accept a near-duplicate only if the two pictures "
    "are of different patients, or stand in the same fold.",
    perform=stewardship.accept_item,
    applies=lambda row: row.can_transition_to(ItemState.ACCEPTED) and row.state != ItemState.CONFLICTING,
)
exclude = reason_action(
    "exclude",
    label="Exclude",
    consequence="No version that is frozen from now on holds these images.",
    perform=stewardship.exclude_item,
    applies=lambda row: row.can_transition_to(ItemState.EXCLUDED),
)


class LabelInline(FactsInline):
    """The labels of an item."""

    model = DatasetLabel
    shown = ("condition", "present", "labeled_by", "model_answer_seen", "labeled_at", "superseded_because")


@admin.register(DatasetItem)
class DatasetItemAdmin(TableAdmin):
    """Images that may be learned from; those that wait are settled by actions that ask for a reason."""

    list_display = ["source_id", "examination_type", "fold", "state", "state_reason", "labels", "added_at"]
    list_filter = ["state", "fold", "examination_type"]
    list_select_related = ["examination_type"]
    search_fields = ["=source_id", "=group"]
    search_help_text = "The id of an instance or of a patient."
    ordering = ["-pk"]
    inlines = [LabelInline]
    actions = [resolve, accept, exclude]
    left_out = ("thumbnail",)
    readonly_fields = ["twin"]
    fields = [
        "examination_type",
        "source_id",
        "content_key",
        "group",
        "fold",
        "state",
        "state_reason",
        "twin",
        "added_at",
    ]
    worked_out = {"label_count": count_of(DatasetLabel.objects.all(), on="item")}

    @admin.display
    def labels(self, row: DatasetItem) -> int:
        """Return how many labels the item has."""
        return int(getattr(row, "label_count", 0))

    @admin.display(description="Nearly equals")
    def twin(self, row: DatasetItem) -> str:
        """Return a link to the item of another patient that shows the same picture."""
        return change_link(row.near_duplicate_of)


@admin.register(DatasetLabel)
class DatasetLabelAdmin(TableAdmin):
    """What readers and imports said of the items."""

    list_display = [
        "__str__",
        "item_link",
        "labeled_by",
        "model_answer_seen",
        "labeled_at",
        "superseded_because",
    ]
    list_filter = ["present", "model_answer_seen", "superseded_because"]
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

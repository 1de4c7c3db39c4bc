"""Administration of conditions."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from import_export.admin import ImportMixin
from import_export.forms import ImportForm
from import_export.tmp_storages import CacheStorage

from accounts.admin_tables import AuditedExportMixin
from diagnosis.admin.actions import approve, merge, retire
from diagnosis.admin.resources import ConditionResource
from diagnosis.models import Condition, ConditionState
from mlcore.admin.base import AuditedAdmin
from mlcore.admin.columns import EMPTY, change_link


@admin.register(Condition)
class ConditionAdmin(AuditedExportMixin, ImportMixin, AuditedAdmin):  # type: ignore[misc]
    """Conditions are data: added and edited here; their state changes by actions that ask for a reason."""

    resource_classes = [ConditionResource]
    import_export_change_list_template = "admin/import_export/change_list_import_export.html"
    import_form_class = ImportForm
    tmp_storage_class = CacheStorage
    skip_admin_log = True
    list_display = ["name", "examination_type", "code", "state", "coding", "proposed_by"]
    list_filter = ["state", "examination_type"]
    list_select_related = ["examination_type", "proposed_by"]
    search_fields = ["name", "code", "coding_value"]
    sortable_by = ("name", "examination_type", "code", "state")
    actions = [approve, retire, merge]
    keep_instead = "Retire it instead; what was said with it stays."
    add_fields = ["examination_type", "code", "name", "coding_scheme", "coding_value"]
    facts = ["examination_type", "code", "state", "merged", "proposed_by", "created_at"]

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Allow whoever may add conditions by hand."""
        return self.has_add_permission(request) and self.has_change_permission(request)

    def get_fields(self, request: HttpRequest, obj: Condition | None = None) -> Any:
        """Return what is asked for at first, or all of it."""
        return self.add_fields if obj is None else ["name", "coding_scheme", "coding_value", *self.facts]

    def get_readonly_fields(self, request: HttpRequest, obj: Condition | None = None) -> list[str]:
        """Fix the code once it is given: artifacts name it."""
        return [] if obj is None else self.facts

    def save_model(
        self, request: HttpRequest, obj: models.Model, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """Whoever adds a condition here may approve conditions, so a new one is approved."""
        if not change:
            form.instance.state = ConditionState.APPROVED
            form.instance.proposed_by = request.user
        super().save_model(request, obj, form, change)

    @admin.display
    def coding(self, row: Condition) -> str:
        """Return the code in a public terminology."""
        return f"{row.coding_scheme} {row.coding_value}".strip() or EMPTY

    @admin.display(description="Merged into")
    def merged(self, row: Condition) -> str:
        """Return a link to the condition that took over."""
        return change_link(row.merged_into)

"""Administration of who reads what."""

from django.contrib import admin

from diagnosis.models import Assignment, Claim, SavedFilter
from mlcore.admin.base import TableAdmin


@admin.register(Assignment)
class AssignmentAdmin(TableAdmin):
    """Who was asked to read which study, and whether they have opened it."""

    list_display = ["assigned_at", "reader", "assigned_by", "study", "seen_at"]
    list_select_related = ["reader", "assigned_by", "study__examination_type", "study__patient"]
    search_fields = ["reader__email", "reader__full_name"]
    search_help_text = "The name or email of the reader."
    sortable_by = ("assigned_at",)


@admin.register(Claim)
class ClaimAdmin(TableAdmin):
    """Who reads which study now, or did lately."""

    list_display = ["claimed_at", "reader", "study", "expires_at"]
    list_select_related = ["reader", "study__examination_type", "study__patient"]
    search_fields = ["reader__email", "reader__full_name"]
    search_help_text = "The name or email of the reader."
    sortable_by = ("claimed_at",)


@admin.register(SavedFilter)
class SavedFilterAdmin(TableAdmin):
    """The filters of the worklist that users keep."""

    list_display = ["name", "user", "query", "created_at"]
    list_select_related = ["user"]
    search_fields = ["name", "user__email", "user__full_name"]
    search_help_text = "The filter's name, or the name or email of its user."
    sortable_by = ("name", "created_at")

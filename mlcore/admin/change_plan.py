"""Administration of change control plans: looked at here, adopted on the page of an examination type."""

from typing import Any

from django import forms
from django.contrib import admin

from accounts.admin_actions import ReasonForm, reason_action
from accounts.models import User
from mlcore.admin.base import FactsInline, TableAdmin
from mlcore.engine.evaluation.limits import Limits
from mlcore.models import (
    ChangeKind,
    ChangePlan,
    ExaminationType,
    ImpactAssessment,
    LimitName,
    PlannedChange,
    ProtocolLimit,
)
from mlcore.plans import AUTOMATIC
from mlcore.services.change_plans import adopt_plan


class PlanForm(ReasonForm):
    """Asks for the first two parts of a plan; the third is stated with each kind of change."""

    changes = forms.MultipleChoiceField(
        choices=ChangeKind.choices,
        initial=ChangeKind.values,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="What may change",
        help_text="A candidate that changes anything else cannot be promoted under this plan.",
    )
    automatic = forms.MultipleChoiceField(
        choices=ChangeKind.choices,
        initial=sorted(AUTOMATIC),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="What may be promoted without an administrator",
        help_text="Only where the examination type promotes by itself, and only what passed the gate.",
    )
    field_order = ["changes", "automatic", *LimitName.values, "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in LimitName.choices:
            self.fields[name] = forms.FloatField(
                min_value=0, max_value=1, initial=getattr(Limits(), name), label=label
            )
        self.order_fields(self.field_order)


def adopt(
    row: ExaminationType, *, by: User, reason: str, changes: list[str], automatic: list[str], **limits: float
) -> ChangePlan:
    """Let the plan of the form be in force."""
    return adopt_plan(row, by=by, reason=reason, changes=changes, automatic=automatic, limits=limits)


adopt_change_plan = reason_action(
    "adopt_change_plan",
    label="Adopt a change control plan",
    consequence="From now on candidates are measured and promoted under this plan. Those that were measured "
    "under the plan before are measured again first. The plan before stays on record.",
    perform=adopt,
    form_class=PlanForm,
    permissions=["decide"],
)


class PlannedChangeInline(FactsInline):
    """Parts one and three: what may change, what that may do wrong, and what holds it back."""

    model = PlannedChange
    verbose_name_plural = "What may change, and its impact"
    shown = ("change", "automatic", "risk", "mitigation")

    @admin.display(description="Risk")
    def risk(self, row: PlannedChange) -> str:
        """Return what may go wrong."""
        return row.impact.risk

    @admin.display(description="Mitigation")
    def mitigation(self, row: PlannedChange) -> str:
        """Return what holds it back."""
        return row.impact.mitigation


class ProtocolLimitInline(FactsInline):
    """Part two: the limits of the gate."""

    model = ProtocolLimit
    verbose_name_plural = "Protocol: limits of the gate"
    shown = ("name", "value")


@admin.register(ChangePlan)
class ChangePlanAdmin(TableAdmin):
    """Plans, those in force and those before; nothing of them is edited."""

    list_display = ["__str__", "adopted_by", "adopted_at", "reason"]
    list_filter = ["examination_type"]
    list_select_related = ["examination_type", "adopted_by"]
    search_fields = ["reason"]
    inlines = [PlannedChangeInline, ProtocolLimitInline]
    fields = ["examination_type", "number", "adopted_by", "adopted_at", "reason"]


@admin.register(PlannedChange)
class PlannedChangeAdmin(TableAdmin):
    """Part one of a plan, row by row."""

    list_display = ["__str__", "plan", "automatic"]
    list_filter = ["change", "automatic"]
    list_select_related = ["plan__examination_type"]
    search_fields = ["=change"]
    ordering = ["-pk"]


@admin.register(ProtocolLimit)
class ProtocolLimitAdmin(TableAdmin):
    """Part two of a plan, row by row."""

    list_display = ["__str__", "plan", "value"]
    list_filter = ["name"]
    list_select_related = ["plan__examination_type"]
    search_fields = ["=name"]
    ordering = ["-pk"]


@admin.register(ImpactAssessment)
class ImpactAssessmentAdmin(TableAdmin):
    """Part three of a plan, row by row."""

    list_display = ["planned_change", "risk", "mitigation"]
    list_select_related = ["planned_change"]
    search_fields = ["risk", "mitigation"]
    ordering = ["-pk"]

"""The predetermined change control plan of an examination type, in its three parts.

What may change without asking anew (the description of modifications), how a change is
shown to be safe (the modification protocol), and what may go wrong and what holds it back
(the impact assessment); see FDA, Marketing Submission Recommendations for a Predetermined
Change Control Plan (2024). A plan is never edited: the next one takes its place.
"""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import User
from medimaging.common.states import one_of
from mlcore.models.examination_type import ExaminationType


class ChangeKind(models.TextChoices):
    """What a candidate can differ in from the model that answers."""

    NEW_HEAD = "new_head", "A new head on the same network"
    NEW_WEIGHTS = "new_weights", "New weights of the same architecture"
    NEW_ARCHITECTURE = "new_architecture", "Another architecture"
    NEW_CONDITION = "new_condition", "An output for a further condition"
    MADE_ELSEWHERE = "made_elsewhere", "A model made elsewhere"


class LimitName(models.TextChoices):
    """What the gate lets a candidate be worse in, at most."""

    AUROC_MARGIN = "auroc_margin", "The AUROC may fall by"
    RATE_MARGIN = "rate_margin", "Sensitivity and specificity may fall by"
    ECE_MARGIN = "ece_margin", "The calibration error may rise by"
    NEGATIVE_FLIPS = "negative_flips", "Part of right answers that may turn wrong"
    WITHHELD_MARGIN = "withheld_margin", "Part of the images withheld that may come on top"
    NEW_CLASS_AUROC = "new_class_auroc", "AUROC that a new condition must reach at least"
    AUTOMATIC_LOSS = "automatic_loss", "Fall of a rate that must be found where nobody looks"


class ChangePlan(models.Model):
    """One plan; the one with the highest number is in force."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    examination_type = models.ForeignKey(
        ExaminationType, on_delete=models.PROTECT, related_name="change_plans"
    )
    number = models.PositiveIntegerField()
    adopted_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="change_plans",
        help_text="Nobody: the plan that the software begins with.",
    )
    adopted_at = models.DateTimeField(default=timezone.now, editable=False)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["examination_type", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["examination_type", "number"], name="change_plan_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.examination_type} change plan {self.number}"


class PlannedChange(models.Model):
    """Part one, description of modifications: a kind of change that the plan covers."""

    plan = models.ForeignKey(ChangePlan, on_delete=models.CASCADE, related_name="changes")
    change = models.CharField(max_length=32, choices=ChangeKind)
    automatic = models.BooleanField(help_text="Whether it may be promoted without an administrator.")

    class Meta:
        ordering = ["plan", "id"]
        constraints = [
            one_of("change", ChangeKind, name="planned_change_known"),
            models.UniqueConstraint(fields=["plan", "change"], name="planned_change_once"),
        ]

    def __str__(self) -> str:
        return str(self.get_change_display())


class ProtocolLimit(models.Model):
    """Part two, modification protocol: one limit of the gate."""

    plan = models.ForeignKey(ChangePlan, on_delete=models.CASCADE, related_name="limits")
    name = models.CharField(max_length=32, choices=LimitName)
    value = models.FloatField()

    class Meta:
        ordering: ClassVar = ["plan", "id"]
        constraints = [
            one_of("name", LimitName, name="protocol_limit_known"),
            models.UniqueConstraint(fields=["plan", "name"], name="protocol_limit_once"),
            models.CheckConstraint(
                condition=models.Q(value__gte=0, value__lte=1), name="protocol_limit_is_a_part"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_name_display()}: {self.value}"


class ImpactAssessment(models.Model):
    """Part three, impact assessment: what a planned change may do wrong, and what holds it back."""

    planned_change = models.OneToOneField(PlannedChange, on_delete=models.CASCADE, related_name="impact")
    risk = models.CharField(max_length=500)
    mitigation = models.CharField(max_length=500)

    class Meta:
        ordering: ClassVar = ["planned_change"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(risk="") & ~models.Q(mitigation=""), name="impact_is_stated"
            )
        ]

    def __str__(self) -> str:
        return self.risk

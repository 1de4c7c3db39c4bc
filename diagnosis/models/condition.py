"""What can be found in an image of a type of examination."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from medimaging.common.states import StatefulModel, one_of
from mlcore.models import ExaminationType
from mlcore.models.examination_type import CODE_PATTERN


class ConditionState(models.TextChoices):
    PROPOSED = "proposed", _("Proposed")
    APPROVED = "approved", _("Approved")
    RETIRED = "retired", _("Retired")
    MERGED = "merged", _("Merged")


OUT_OF_USE = (ConditionState.RETIRED, ConditionState.MERGED)


class ConditionQuerySet(models.QuerySet["Condition"]):
    """Choices of conditions."""

    def visible_to(self, user: User) -> "ConditionQuerySet":
        """Return what everybody may use, what the user proposed, or all."""
        if user.sees_everything:
            return self
        joined = Condition.also_proposed_by.through.objects.filter(user_id=user.pk).values("condition_id")
        return self.filter(
            ~models.Q(state=ConditionState.PROPOSED) | models.Q(proposed_by=user) | models.Q(pk__in=joined)
        )

    def selectable_by(self, user: User) -> "ConditionQuerySet":
        """Return the conditions the user may put on a review."""
        return self.visible_to(user).filter(state__in=[ConditionState.APPROVED, ConditionState.PROPOSED])


class Condition(StatefulModel):
    """A condition, coded where a code exists; a reader may propose one that is unknown."""

    TRANSITIONS: ClassVar = {
        ConditionState.PROPOSED: frozenset(
            {ConditionState.APPROVED, ConditionState.MERGED, ConditionState.RETIRED}
        ),
        ConditionState.APPROVED: frozenset({ConditionState.RETIRED, ConditionState.MERGED}),
        ConditionState.RETIRED: frozenset({ConditionState.APPROVED}),
        ConditionState.MERGED: frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    examination_type = models.ForeignKey(ExaminationType, on_delete=models.PROTECT, related_name="conditions")
    code = models.CharField(max_length=64, validators=[CODE_PATTERN])
    name = models.CharField(max_length=120)
    coding_scheme = models.CharField(max_length=16, blank=True, help_text="SCT or RADLEX.")
    coding_value = models.CharField(max_length=32, blank=True)
    state = models.CharField(max_length=16, choices=ConditionState, default=ConditionState.PROPOSED)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged_from"
    )
    proposed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="proposed_conditions"
    )
    also_proposed_by = models.ManyToManyField(User, related_name="joined_proposals", blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = ConditionQuerySet.as_manager()

    class Meta:
        ordering = ["examination_type", "name"]
        constraints = [
            one_of("state", ConditionState, name="condition_state_known"),
            models.UniqueConstraint(
                fields=["examination_type", "code"], name="condition_code_once_an_examination_type"
            ),
            models.CheckConstraint(
                condition=models.Q(state=ConditionState.MERGED, merged_into__isnull=False)
                | (~models.Q(state=ConditionState.MERGED) & models.Q(merged_into=None)),
                name="condition_merged_names_its_target",
            ),
        ]

    def __str__(self) -> str:
        return self.name

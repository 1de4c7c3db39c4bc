"""Requests to erase an image: one person asks, another decides."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import User
from diagnosis.models.study import Instance
from medimaging.common.states import StatefulModel, one_of


class ErasureState(models.TextChoices):
    REQUESTED = "requested", "Requested"
    REFUSED = "refused", "Refused"
    CONFIRMED = "confirmed", "Confirmed, files being removed"
    ERASED = "erased", "Erased"


class Erasure(StatefulModel):
    """One image to be erased. What is left afterwards is this row and the audit trail."""

    TRANSITIONS: ClassVar = {
        ErasureState.REQUESTED: frozenset({ErasureState.REFUSED, ErasureState.CONFIRMED}),
        ErasureState.REFUSED: frozenset(),
        ErasureState.CONFIRMED: frozenset({ErasureState.ERASED}),
        ErasureState.ERASED: frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    instance = models.ForeignKey(
        Instance, on_delete=models.SET_NULL, null=True, blank=True, related_name="erasures"
    )
    instance_key = models.UUIDField(help_text="The id of the image, as the audit trail names it.")
    state = models.CharField(max_length=16, choices=ErasureState, default=ErasureState.REQUESTED)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="requested_erasures")
    reason = models.TextField()
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="decided_erasures"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    files: "models.JSONField[list[str], list[str]]" = models.JSONField(
        default=list, help_text="What is still to be removed from the storage."
    )
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-requested_at", "id"]
        indexes = [models.Index(fields=["-requested_at", "id"], name="erasure_by_time")]
        constraints = [
            one_of("state", ErasureState, name="erasure_state_known"),
            models.UniqueConstraint(
                fields=["instance_key"],
                condition=models.Q(state=ErasureState.REQUESTED),
                name="erasure_requested_once",
            ),
            models.CheckConstraint(
                condition=models.Q(decided_by=None) | ~models.Q(decided_by=models.F("requested_by")),
                name="erasure_takes_two_people",
            ),
            models.CheckConstraint(
                condition=models.Q(state=ErasureState.REQUESTED) | models.Q(decided_by__isnull=False),
                name="erasure_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} erasure of {self.instance_key}"

"""How readers share the work: who reads a study now, who was asked to, and what each looks for."""

import uuid
from datetime import timedelta

from django.db import models
from django.utils import timezone

from accounts.models import User
from diagnosis.models.study import Study

CLAIM_LENGTH = timedelta(minutes=10)
"""How long a claim stands after the reader's last sign of life."""


class Claim(models.Model):
    """A reader who reads a study now; it ends by itself."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="claim")
    reader = models.ForeignKey(User, on_delete=models.CASCADE, related_name="claims")
    claimed_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-claimed_at"]

    def __str__(self) -> str:
        return f"{self.study_id} read by {self.reader}"

    @property
    def stands(self) -> bool:
        """Tell whether the reader has shown life lately."""
        return self.expires_at > timezone.now()

    @property
    def revision(self) -> int:
        """Return what differs once somebody else reads the study, and not when the claim is renewed."""
        return int(self.claimed_at.timestamp() * 1_000_000)


class Assignment(models.Model):
    """A reader who was asked to read a study; `seen_at` is when they first opened it."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="assignments")
    reader = models.ForeignKey(User, on_delete=models.CASCADE, related_name="assignments")
    assigned_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="given_assignments")
    assigned_at = models.DateTimeField(default=timezone.now, editable=False)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-assigned_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["study", "reader"], name="assignment_once_a_reader"),
        ]
        indexes = [
            models.Index(
                fields=["reader"], name="assignment_unseen", condition=models.Q(seen_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study_id} for {self.reader}"


class SavedFilter(models.Model):
    """A tab with its filters that a user keeps under a name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, help_text="As it stands in the worklist's address.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="saved_filter_once_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

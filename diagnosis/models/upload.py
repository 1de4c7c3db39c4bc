"""What was handed in: one row for each file, with its verdict."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import User
from diagnosis.models.study import Instance
from medimaging.common.states import StatefulModel, one_of


class UploadState(models.TextChoices):
    RECEIVED = "received", "Received"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"


class UploadSource(models.TextChoices):
    PAGE = "page", "Web page"
    REST = "rest", "REST"
    COMMAND = "command", "Command"
    DICOMWEB = "dicomweb", "DICOMweb"
    DIMSE = "dimse", "DICOM C-STORE"


class UploadQuerySet(models.QuerySet["Upload"]):
    """Choices of uploads."""

    def visible_to(self, user: User) -> "UploadQuerySet":
        """Return the user's own uploads, or all of them."""
        return self if user.sees_everything else self.filter(uploaded_by=user)


class Upload(StatefulModel):
    """One file handed in. Its name and its bytes as sent are not kept: both may identify a patient."""

    TRANSITIONS: ClassVar = {
        UploadState.RECEIVED: frozenset({UploadState.ACCEPTED, UploadState.REJECTED}),
        UploadState.ACCEPTED: frozenset(),
        UploadState.REJECTED: frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="uploads")
    source = models.CharField(max_length=16, choices=UploadSource)
    state = models.CharField(max_length=16, choices=UploadState, default=UploadState.RECEIVED)
    digest = models.CharField(max_length=64, db_index=True, help_text="Keyed hash of the bytes as sent.")
    byte_count = models.PositiveBigIntegerField()
    instance = models.ForeignKey(
        Instance, on_delete=models.SET_NULL, null=True, blank=True, related_name="uploads"
    )
    duplicate = models.BooleanField(default=False)
    rejection_code = models.CharField(max_length=64, blank=True)
    rejection_message = models.TextField(blank=True)
    rejection_mend = models.TextField(blank=True, help_text="What to do about it.")
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = UploadQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "id"]
        indexes = [
            models.Index(fields=["-received_at", "id"], name="upload_by_time"),
            models.Index(fields=["state", "-received_at", "id"], name="upload_by_state"),
            models.Index(fields=["uploaded_by", "-received_at"], name="upload_by_user"),
        ]
        constraints = [
            one_of("state", UploadState, name="upload_state_known"),
            models.CheckConstraint(
                condition=~models.Q(state=UploadState.REJECTED) | ~models.Q(rejection_code=""),
                name="upload_rejection_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} upload of {self.byte_count} bytes"

    @property
    def rejection(self) -> str:
        """Return what was wrong and what to do about it, as one text."""
        return f"{self.rejection_message} {self.rejection_mend}".strip()

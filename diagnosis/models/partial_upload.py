"""Files on their way in: what has arrived of each, for as long as it may be resumed."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import User
from diagnosis.models.upload import Upload


class PartialUploadQuerySet(models.QuerySet["PartialUpload"]):
    """Choices of files on their way in."""

    def owned_by(self, user: User) -> "PartialUploadQuerySet":
        """Return the user's own; nobody else has any business with half a file, whatever their role."""
        return self.filter(uploaded_by=user)


class PartialUpload(models.Model):
    """One file that arrives in parts. Its parts hold identity, so they are kept for hours only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    uploaded_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="partial_uploads")
    byte_count = models.PositiveBigIntegerField(help_text="Of the whole file.")
    received_count = models.PositiveBigIntegerField(default=0)
    part_keys: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list, blank=True)
    upload = models.OneToOneField(
        Upload, on_delete=models.CASCADE, null=True, blank=True, help_text="The verdict, once it is whole."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_part_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects: ClassVar = PartialUploadQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(received_count__lte=models.F("byte_count")),
                name="partial_upload_is_never_longer_than_the_file",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.received_count} of {self.byte_count} bytes"

    @property
    def is_whole(self) -> bool:
        """Tell whether every byte has arrived."""
        return self.received_count == self.byte_count

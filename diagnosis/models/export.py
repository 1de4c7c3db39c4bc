"""Exports that a worker writes. The row is the queue of record; the broker only signals."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import User
from medimaging.common.states import StatefulModel, one_of
from mlcore.models import DatasetVersion


class ExportKind(models.TextChoices):
    STUDIES = "studies", "Studies"
    ANALYSES = "analyses", "Analyses with their findings"
    REVIEWS = "reviews", "Signed reviews with their verdicts"
    DATASET = "dataset", "A dataset version with its images"


class ExportFormat(models.TextChoices):
    CSV = "csv", "CSV"
    JSONL = "jsonl", "One JSON object a line"
    ZIP = "zip", "ZIP"


class ExportState(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    EXPIRED = "expired", "Expired"


class ExportQuerySet(models.QuerySet["Export"]):
    """Choices of exports."""

    def visible_to(self, user: User) -> "ExportQuerySet":
        """Return the user's own exports."""
        return self.filter(requested_by=user)


class Export(StatefulModel):
    """What one user may see, written to a file that is kept for a day."""

    TRANSITIONS: ClassVar = {
        ExportState.PENDING: frozenset({ExportState.RUNNING}),
        ExportState.RUNNING: frozenset({ExportState.SUCCEEDED, ExportState.FAILED, ExportState.PENDING}),
        ExportState.SUCCEEDED: frozenset({ExportState.EXPIRED}),
        ExportState.FAILED: frozenset(),
        ExportState.EXPIRED: frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="exports")
    kind = models.CharField(max_length=16, choices=ExportKind)
    format = models.CharField(max_length=8, choices=ExportFormat)
    dataset_version = models.ForeignKey(
        DatasetVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="exports"
    )
    state = models.CharField(max_length=16, choices=ExportState, default=ExportState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    row_count = models.PositiveIntegerField(null=True, blank=True)
    byte_count = models.PositiveBigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    failure_code = models.CharField(max_length=64, blank=True)
    failure_message = models.TextField(blank=True)
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    signaled_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = ExportQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "id"]
        indexes = [
            models.Index(fields=["-requested_at", "id"], name="export_by_time"),
            models.Index(fields=["requested_by", "-requested_at", "id"], name="export_by_user"),
        ]
        constraints = [
            one_of("state", ExportState, name="export_state_known"),
            one_of("kind", ExportKind, name="export_kind_known"),
            models.CheckConstraint(
                condition=models.Q(kind=ExportKind.DATASET, dataset_version__isnull=False, format="zip")
                | (~models.Q(kind=ExportKind.DATASET) & ~models.Q(format="zip")),
                name="export_dataset_names_its_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} export of {self.kind}"

    @property
    def file_key(self) -> str:
        """Return where the file is stored."""
        return f"exports/{self.pk}.{self.format}"

    @property
    def is_downloadable(self) -> bool:
        """Tell whether there is a file to get now."""
        return self.state == ExportState.SUCCEEDED and bool(
            self.expires_at and self.expires_at > timezone.now()
        )

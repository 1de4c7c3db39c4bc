"""Training runs and the gate that their candidates pass or fail."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from medimaging.common.states import StatefulModel, one_of
from mlcore.models.change_plan import ChangePlan
from mlcore.models.dataset import DatasetVersion
from mlcore.models.examination_type import ExaminationType
from mlcore.models.model_version import ModelVersion


class TrainingState(models.TextChoices):
    PENDING = "pending", _("Pending")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class TrainingKind(models.TextChoices):
    QUICK = "quick", _("Quick update: a new head on stored features")
    FULL = "full", _("Full training of the network")


class TrainingTrigger(models.TextChoices):
    MANUAL = "manual", _("By hand")
    SIGNED = "signed", _("Enough newly signed reviews")
    SCHEDULE = "schedule", _("By schedule")


SILENT_AFTER = timedelta(seconds=10)
"""A worker renews its lease each second; on a busy machine it may be late."""
OPEN_STATES = (TrainingState.PENDING, TrainingState.RUNNING)


class TrainingRun(StatefulModel):
    """One training; the row is the queue of record, as for analyses."""

    TRANSITIONS: ClassVar = {
        TrainingState.PENDING: frozenset(
            {TrainingState.RUNNING, TrainingState.CANCELLED, TrainingState.FAILED}
        ),
        TrainingState.RUNNING: frozenset(
            {
                TrainingState.SUCCEEDED,
                TrainingState.FAILED,
                TrainingState.CANCELLED,
                TrainingState.PENDING,
            }
        ),
        TrainingState.SUCCEEDED: frozenset(),
        TrainingState.FAILED: frozenset({TrainingState.PENDING}),
        TrainingState.CANCELLED: frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    examination_type = models.ForeignKey(
        ExaminationType, on_delete=models.PROTECT, related_name="training_runs"
    )
    dataset_version = models.ForeignKey(
        DatasetVersion, on_delete=models.PROTECT, related_name="training_runs"
    )
    kind = models.CharField(max_length=8, choices=TrainingKind, default=TrainingKind.QUICK)
    architecture = models.CharField(max_length=64)
    epochs = models.PositiveSmallIntegerField(default=10)
    seed = models.PositiveIntegerField(default=7)
    trigger = models.CharField(max_length=16, choices=TrainingTrigger, default=TrainingTrigger.MANUAL)
    state = models.CharField(max_length=16, choices=TrainingState, default=TrainingState.PENDING)
    requested_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="training_runs"
    )
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    signaled_at = models.DateTimeField(default=timezone.now, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    progress: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    candidate = models.OneToOneField(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="training_run"
    )
    failure_code = models.CharField(max_length=64, blank=True)
    failure_message = models.TextField(blank=True)

    class Meta:
        ordering = ["-requested_at", "id"]
        constraints = [
            one_of("state", TrainingState, name="training_run_state_known"),
            models.UniqueConstraint(
                fields=["examination_type"],
                condition=models.Q(state__in=OPEN_STATES),
                name="training_run_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=TrainingState.RUNNING) | models.Q(lease_expires_at__isnull=False),
                name="training_run_running_has_a_lease",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=TrainingState.FAILED) | ~models.Q(failure_code=""),
                name="training_run_failure_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.kind} training"

    @property
    def last_heard_of(self) -> datetime | None:
        """Return when the worker last renewed its lease."""
        if self.lease_expires_at is None:
            return None
        return self.lease_expires_at - timedelta(seconds=settings.TRAINING_LEASE_SECONDS)

    @property
    def is_silent(self) -> bool:
        """Tell whether it runs, but its worker has not been heard of for a while."""
        heard = self.last_heard_of
        return (
            self.state == TrainingState.RUNNING
            and heard is not None
            and timezone.now() - heard > SILENT_AFTER
        )


class GateReport(models.Model):
    """Candidate and incumbent on the same frozen test set: each criterion with its reason."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    candidate = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="gate_reports")
    incumbent = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="gate_reports")
    change_plan = models.ForeignKey(
        ChangePlan, on_delete=models.PROTECT, null=True, blank=True, related_name="gate_reports"
    )
    passed = models.BooleanField()
    criteria: "models.JSONField[list[dict[str, Any]], list[dict[str, Any]]]" = models.JSONField(default=list)
    figures: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict, help_text="Before and after, by condition."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"gate {'passed' if self.passed else 'not passed'}"

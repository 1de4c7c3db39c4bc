"""The registry: one row for each model artifact, and which of them answers."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from medimaging.common.states import StatefulModel, one_of
from mlcore.models.examination_type import ExaminationType


class ModelState(models.TextChoices):
    CANDIDATE = "candidate", _("Candidate")
    ACTIVE = "active", _("Active")
    RETIRED = "retired", _("Retired")
    REJECTED = "rejected", _("Rejected")


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    """Choices of model versions."""

    def active(self) -> "ModelVersionQuerySet":
        """Return the versions that answer now, at most one for each examination type."""
        return self.filter(state=ModelState.ACTIVE)


class ModelVersion(StatefulModel):
    """A trained model; the artifact is the truth, the columns mirror what it says of itself."""

    TRANSITIONS: ClassVar = {
        ModelState.CANDIDATE: frozenset({ModelState.ACTIVE, ModelState.REJECTED}),
        ModelState.ACTIVE: frozenset({ModelState.RETIRED}),
        ModelState.RETIRED: frozenset({ModelState.ACTIVE}),
        ModelState.REJECTED: frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    examination_type = models.ForeignKey(
        ExaminationType, on_delete=models.PROTECT, related_name="model_versions"
    )
    version = models.PositiveIntegerField(help_text="Counts up within the examination type.")
    state = models.CharField(max_length=16, choices=ModelState, default=ModelState.CANDIDATE)
    name = models.CharField(max_length=120)
    architecture = models.CharField(max_length=64)
    classes: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)
    operating_points: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    metrics: "models.JSONField[dict[str, float], dict[str, float]]" = models.JSONField(default=dict)
    intended_use = models.TextField(blank=True)
    limits: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)
    embedding_version = models.CharField(max_length=64)
    dataset_sha256 = models.CharField(max_length=64, blank=True)
    artifact_key = models.CharField(max_length=200)
    artifact_sha256 = models.CharField(max_length=64)
    trained_at = models.DateTimeField()
    registered_at = models.DateTimeField(default=timezone.now, editable=False)
    activated_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["examination_type", "-version"]
        constraints = [
            one_of("state", ModelState, name="model_version_state_known"),
            models.UniqueConstraint(fields=["examination_type", "version"], name="model_version_number_once"),
            models.UniqueConstraint(
                fields=["examination_type", "artifact_sha256"], name="model_version_artifact_once"
            ),
            models.UniqueConstraint(
                fields=["examination_type"],
                condition=models.Q(state=ModelState.ACTIVE),
                name="model_version_one_active",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

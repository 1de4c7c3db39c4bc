"""What a model says of an instance. The row is the queue of record; the broker only signals."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from diagnosis.models.condition import OUT_OF_USE, Condition
from diagnosis.models.study import Instance, Study
from medimaging.common.states import StatefulModel, one_of
from mlcore.models import ModelVersion


class AnalysisState(models.TextChoices):
    PENDING = "pending", _("Pending")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    WITHHELD = "withheld", _("Withheld")
    FAILED = "failed", _("Failed")


FINAL_STATES = (AnalysisState.SUCCEEDED, AnalysisState.WITHHELD, AnalysisState.FAILED)


class AnalysisQuerySet(models.QuerySet["Analysis"]):
    """Choices of analyses."""

    def visible_to(self, user: User) -> "AnalysisQuerySet":
        """Return the analyses of the studies `user` may see."""
        if user.sees_everything:
            return self
        visible = Study.objects.visible_to(user)
        return self.filter(instance__series__study__in=visible, instance__quarantined_at=None)


class Analysis(StatefulModel):
    """One model version's answer about one instance."""

    TRANSITIONS: ClassVar = {
        AnalysisState.PENDING: frozenset({AnalysisState.RUNNING, AnalysisState.FAILED}),
        AnalysisState.RUNNING: frozenset(
            {
                AnalysisState.SUCCEEDED,
                AnalysisState.WITHHELD,
                AnalysisState.FAILED,
                AnalysisState.PENDING,
            }
        ),
        AnalysisState.SUCCEEDED: frozenset(),
        AnalysisState.WITHHELD: frozenset(),
        AnalysisState.FAILED: frozenset({AnalysisState.PENDING}),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="analyses")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="analyses")
    state = models.CharField(max_length=16, choices=AnalysisState, default=AnalysisState.PENDING)
    requested_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="requested_analyses"
    )
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    signaled_at = models.DateTimeField(
        default=timezone.now, editable=False, help_text="When the broker was last told."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    frame_index = models.PositiveIntegerField(null=True, blank=True, help_text="The frame that was analyzed.")
    saliency_method = models.CharField(max_length=32, blank=True)
    quality: "models.JSONField[dict[str, float], dict[str, float]]" = models.JSONField(default=dict)
    withheld_reason = models.CharField(max_length=32, blank=True)
    withheld_message = models.TextField(blank=True)
    failure_code = models.CharField(max_length=64, blank=True)
    failure_message = models.TextField(blank=True)

    objects: ClassVar = AnalysisQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "id"]
        verbose_name_plural = "analyses"
        indexes = [
            models.Index(fields=["-requested_at", "id"], name="analysis_by_time"),
            models.Index(fields=["state", "-requested_at", "id"], name="analysis_by_state"),
            models.Index(
                fields=["state", "signaled_at"],
                name="analysis_open",
                condition=models.Q(state__in=["pending", "running"]),
            ),
        ]
        constraints = [
            one_of("state", AnalysisState, name="analysis_state_known"),
            models.UniqueConstraint(
                fields=["instance", "model_version"], name="analysis_once_a_model_version"
            ),
            models.CheckConstraint(
                condition=~models.Q(state=AnalysisState.WITHHELD) | ~models.Q(withheld_reason=""),
                name="analysis_withheld_has_a_reason",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=AnalysisState.FAILED) | ~models.Q(failure_code=""),
                name="analysis_failure_has_a_reason",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=AnalysisState.RUNNING) | models.Q(lease_expires_at__isnull=False),
                name="analysis_running_has_a_lease",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} analysis"

    @property
    def is_final(self) -> bool:
        """Tell whether the analysis has come to its end."""
        return self.state in FINAL_STATES


class Finding(models.Model):
    """The model's answer for one condition."""

    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="findings")
    condition = models.ForeignKey(Condition, on_delete=models.PROTECT, related_name="findings")
    probability = models.FloatField()
    operating_point = models.FloatField()
    saliency_key = models.CharField(
        max_length=200, blank=True, help_text="float16 map, see diagnosis.pipeline."
    )

    class Meta:
        ordering = ["-probability", "id"]
        constraints = [
            models.UniqueConstraint(fields=["analysis", "condition"], name="finding_once_a_condition"),
            models.CheckConstraint(
                condition=models.Q(probability__gte=0, probability__lte=1),
                name="finding_probability_possible",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.condition} {self.probability:.2f}"

    @property
    def suggested(self) -> bool:
        """Tell whether the probability reaches the operating point."""
        return self.probability >= self.operating_point

    @property
    def is_stale(self) -> bool:
        """Tell whether the condition was merged or retired after the model had answered for it."""
        return self.condition.state in OUT_OF_USE


class SimilarInstance(models.Model):
    """An instance that lies near the analyzed one, as found at the time of the analysis."""

    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="similar_instances")
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="+")
    rank = models.PositiveSmallIntegerField()
    distance = models.FloatField(help_text="Cosine distance, 0 to 2.")

    class Meta:
        ordering = ["rank"]
        constraints = [
            models.UniqueConstraint(fields=["analysis", "rank"], name="similar_rank_once"),
            models.UniqueConstraint(fields=["analysis", "instance"], name="similar_instance_once"),
        ]

    def __str__(self) -> str:
        return f"{self.rank}. at {self.distance:.3f}"

"""A further map of where a finding's score is sensitive, drawn on request."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from diagnosis.models.analysis import Analysis, Finding
from medimaging.common.states import StatefulModel, one_of


class ExplanationState(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"


class ExplanationMethod(models.TextChoices):
    """All that can be asked for; one of them comes with the finding itself."""

    CLASS_ACTIVATION_MAP = "class_activation_map", _("Class activation")
    LAYER_ATTRIBUTION = "layer_attribution", _("Layer attribution")
    GRAD_CAM_PLUS_PLUS = "grad_cam_plus_plus", _("Grad-CAM++")
    OCCLUSION = "occlusion", _("Occlusion")
    INTEGRATED_GRADIENTS = "integrated_gradients", _("Integrated gradients")


class ExplanationQuerySet(models.QuerySet["Explanation"]):
    """Choices of explanations."""

    def visible_to(self, user: User) -> "ExplanationQuerySet":
        """Return the explanations of the studies `user` may see."""
        if user.sees_everything:
            return self
        return self.filter(finding__analysis__in=Analysis.objects.visible_to(user))


class Explanation(StatefulModel):
    """One method's map of one finding."""

    TRANSITIONS: ClassVar = {
        ExplanationState.PENDING: frozenset({ExplanationState.RUNNING, ExplanationState.FAILED}),
        ExplanationState.RUNNING: frozenset(
            {ExplanationState.SUCCEEDED, ExplanationState.FAILED, ExplanationState.PENDING}
        ),
        ExplanationState.SUCCEEDED: frozenset(),
        ExplanationState.FAILED: frozenset({ExplanationState.PENDING}),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="explanations")
    method = models.CharField(max_length=32, choices=ExplanationMethod)
    state = models.CharField(max_length=16, choices=ExplanationState, default=ExplanationState.PENDING)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    signaled_at = models.DateTimeField(
        default=timezone.now, editable=False, help_text="When the broker was last told."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    saliency_key = models.CharField(max_length=200, blank=True, help_text="Where the map is stored.")
    failure_code = models.CharField(max_length=64, blank=True)
    failure_message = models.TextField(blank=True)

    objects: ClassVar = ExplanationQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "id"]
        indexes = [
            models.Index(fields=["-requested_at", "id"], name="explanation_by_time"),
            models.Index(
                fields=["state", "signaled_at"],
                name="explanation_open",
                condition=models.Q(state__in=["pending", "running"]),
            ),
        ]
        constraints = [
            one_of("state", ExplanationState, name="explanation_state_known"),
            one_of("method", ExplanationMethod, name="explanation_method_known"),
            models.UniqueConstraint(fields=["finding", "method"], name="explanation_once_a_method"),
            models.CheckConstraint(
                condition=~models.Q(state=ExplanationState.SUCCEEDED) | ~models.Q(saliency_key=""),
                name="explanation_succeeded_has_a_map",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=ExplanationState.FAILED) | ~models.Q(failure_code=""),
                name="explanation_failure_has_a_reason",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=ExplanationState.RUNNING)
                | models.Q(lease_expires_at__isnull=False),
                name="explanation_running_has_a_lease",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_method_display()} of {self.finding}"

    @property
    def is_final(self) -> bool:
        """Tell whether there is a map, or a reason why there is none."""
        return self.state in {ExplanationState.SUCCEEDED, ExplanationState.FAILED}

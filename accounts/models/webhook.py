"""Webhooks: who is told of what, each message, and each attempt to deliver it."""

import base64
import hashlib
import hmac
import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models.user import User
from medimaging.common.identity import identity_key
from medimaging.common.states import StatefulModel, one_of

SECRET_PREFIX = "whsec_"  # noqa: S105
"""As the Standard Webhooks scheme writes secrets."""


class WebhookEvent(models.TextChoices):
    ANALYSIS_FINISHED = "analysis.finished", "An analysis came to its end"
    REVIEW_SIGNED = "review.signed", "A review was signed or amended"
    MODEL_PROMOTED = "model.promoted", "Another model version answers"
    EXPORT_FINISHED = "export.finished", "An export came to its end"


class DeliveryState(models.TextChoices):
    PENDING = "pending", "Pending"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Given up"


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    """Choices of endpoints."""

    def visible_to(self, user: User) -> "WebhookEndpointQuerySet":
        """Return the user's own endpoints."""
        return self.filter(owner=user)

    def listening(self) -> "WebhookEndpointQuerySet":
        """Return the endpoints that messages go to."""
        return self.filter(disabled_at=None, owner__status="active")


class WebhookEndpoint(models.Model):
    """An address that is told of events about what its owner may see."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="webhook_endpoints")
    url = models.CharField("URL", max_length=500)
    events: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)
    secret_number = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_because = models.CharField(max_length=200, blank=True)

    objects: ClassVar = WebhookEndpointQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return self.url

    @property
    def signing_secret(self) -> str:
        """Return what messages are signed with; it follows from a key of the site, so no table holds it."""
        named = f"webhook {self.pk} {self.secret_number}".encode()
        digest = hmac.new(identity_key(), named, hashlib.sha256).digest()
        return SECRET_PREFIX + base64.b64encode(digest).decode()


class WebhookDelivery(StatefulModel):
    """One message to one endpoint. The row is the queue of record; the broker only signals."""

    TRANSITIONS: ClassVar = {
        DeliveryState.PENDING: frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED}),
        DeliveryState.DELIVERED: frozenset({DeliveryState.PENDING}),
        DeliveryState.FAILED: frozenset({DeliveryState.PENDING}),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=32, choices=WebhookEvent)
    body = models.TextField(help_text="Byte for byte as it is sent: ids only.")
    state = models.CharField(max_length=16, choices=DeliveryState, default=DeliveryState.PENDING)
    attempt_count = models.PositiveSmallIntegerField(default=0, help_text="Since it was last queued.")
    next_attempt_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "id"]
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["-created_at", "id"], name="webhook_by_time"),
            models.Index(fields=["endpoint", "-created_at", "id"], name="webhook_by_endpoint"),
            models.Index(fields=["next_attempt_at"], name="webhook_due", condition=models.Q(state="pending")),
        ]
        constraints = [one_of("state", DeliveryState, name="webhook_delivery_state_known")]

    def __str__(self) -> str:
        return f"{self.state} {self.event}"

    @property
    def message_id(self) -> str:
        """Return the id that stays the same however often the message is sent."""
        return f"msg_{self.pk.hex}"


class WebhookAttempt(models.Model):
    """One try to deliver a message, and what came of it."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField(default=timezone.now)
    duration_ms = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty where nobody answered.")
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.status or self.error} at {self.at:%Y-%m-%d %H:%M:%S}"

"""Requests that a client may repeat without having them done twice."""

from django.db import models
from django.utils import timezone

from accounts.models.user import User


class IdempotentRequest(models.Model):
    """One request under one Idempotency-Key, and its answer once there is one."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="idempotent_requests")
    key_hash = models.CharField(max_length=64)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=300)
    fingerprint = models.CharField(max_length=64, help_text="Hash of the query and the body.")
    claimed_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    answer_status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty while it runs.")
    answer_headers: "models.JSONField[dict[str, str], dict[str, str]]" = models.JSONField(default=dict)
    answer_body = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "key_hash", "method", "path"], name="idempotent_request_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_answered(self) -> bool:
        """Tell whether the request has run to its end."""
        return self.answer_status is not None

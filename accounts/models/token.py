"""Bearer tokens of the REST interface; only a hash is stored."""

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.user import User, UserStatus

if TYPE_CHECKING:
    from datetime import datetime


class Scope(models.TextChoices):
    READ = "read", _("Read")
    UPLOAD = "upload", _("Upload images")
    REVIEW = "review", _("Review and sign")
    TRAIN = "train", _("Datasets and training")
    WEBHOOKS = "webhooks", _("Webhooks")


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Choices of tokens."""

    def usable(self, *, at: "datetime | None" = None) -> "ApiTokenQuerySet":
        """Return tokens that are neither revoked nor expired, of active users."""
        now = at or timezone.now()
        return self.filter(revoked_at=None, expires_at__gt=now, user__status=UserStatus.ACTIVE)


class ApiToken(models.Model):
    """A token; its secret is shown once, when it is made."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, help_text="The first characters, to recognize it by.")
    token_hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}...)"

    @property
    def is_usable(self) -> bool:
        """Tell whether the token opens anything now."""
        return self.revoked_at is None and self.expires_at > timezone.now() and self.user.is_active

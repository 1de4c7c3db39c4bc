"""The audit trail: append-only and hash-chained."""

from typing import Any, ClassVar, Never

from django.db import models

from accounts.models.user import User


class AppendOnly(RuntimeError):
    """Somebody tried to change the past."""

    def __init__(self) -> None:
        super().__init__("The audit trail is append-only: add an entry with accounts.services.audit.record.")


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    """Entries, which are read and never changed."""

    def update(self, **kwargs: Any) -> Never:
        """Refuse."""
        raise AppendOnly

    def delete(self) -> Never:
        """Refuse."""
        raise AppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> Never:
        """Refuse."""
        raise AppendOnly

    def bulk_create(self, *args: Any, **kwargs: Any) -> Never:
        """Refuse: entries form a chain, one after the other."""
        raise AppendOnly


class AuditEntry(models.Model):
    """One recorded act. Triggers in the database refuse to change or delete it."""

    sequence = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="audit_entries"
    )
    action = models.CharField(max_length=64)
    target_type = models.CharField(max_length=64)
    target_id = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    details: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    objects: ClassVar = AuditEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-sequence"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["target_type", "target_id", "sequence"], name="audit_by_target"),
            models.Index(fields=["actor", "sequence"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store a new entry; refuse to store one again."""
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        """Refuse."""
        raise AppendOnly


class AuditHead(models.Model):
    """The end of the chain: the lock that orders writers, and the proof that nothing was cut off."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sequence = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_head_is_one")]

    def __str__(self) -> str:
        return f"head at {self.sequence}"

"""Write the audit trail, in the transaction of what it records."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import timezone

from accounts.models import AuditEntry, AuditHead, User


def record(
    action: str,
    *,
    by: User | None,
    target: models.Model,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Append one entry; `by` is None for what the system does by itself.

    Must run inside the transaction of the change it records, so that both are
    kept or neither is. The head row is locked, so that entries form one chain.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An audit entry is written in the transaction of what it records.")
    head, _ = AuditHead.objects.select_for_update().get_or_create(id=1)
    entry = AuditEntry(
        sequence=head.sequence + 1,
        at=timezone.now(),
        actor=by,
        action=action,
        target_type=target._meta.label_lower,
        target_id=str(target.pk),
        reason=reason,
        details=json.loads(json.dumps(dict(details or {}), cls=DjangoJSONEncoder)),
        previous_hash=head.hash,
    )
    entry.hash = entry_hash(entry)
    entry.save(force_insert=True)
    head.sequence, head.hash = entry.sequence, entry.hash
    head.save(update_fields=["sequence", "hash"])
    return entry


def entry_hash(entry: AuditEntry) -> str:
    """Return the SHA-256 of everything the entry says, the previous hash included."""
    said = [
        entry.sequence,
        entry.at.isoformat(timespec="microseconds"),
        str(entry.actor_id or ""),
        entry.action,
        entry.target_type,
        entry.target_id,
        entry.reason,
        entry.details,
        entry.previous_hash,
    ]
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()

"""Write the audit trail, in the transaction of what it records, and prove it whole."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import timezone

from accounts.models import AuditEntry, AuditHead, User

EXACT_INTEGERS = 1e16
"""From here on, a database may write a float without its point and give it back as an integer."""
CHUNK = 2000


@dataclass(frozen=True, kw_only=True)
class ChainReport:
    """What `verify_chain` found; `problem` is empty where the chain is whole."""

    count: int
    head_sequence: int
    head_hash: str
    broken_at: int | None = None
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing was changed, added, reordered or removed."""
        return not self.problem


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
        details=_plain(details or {}),
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
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
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


def verify_chain() -> ChainReport:
    """Read the whole trail once, in order, and report the first entry that does not fit.

    Entries may be written meanwhile: the last one read must lie between the
    heads before and after. One SELECT is one snapshot on both databases.
    """
    before = _head()
    count, last_hash = 0, ""
    for entry in AuditEntry.objects.order_by("sequence").iterator(chunk_size=CHUNK):
        problem = _misfit(entry, expected=count + 1, previous_hash=last_hash, head=before)
        if problem:
            return _report(count, broken_at=count + 1, problem=problem)
        count, last_hash = count + 1, entry.hash
    after = _head()
    if count < before.sequence:
        return _report(count, broken_at=count + 1, problem="Entries are missing at the end.")
    if count > after.sequence:
        return _report(count, broken_at=after.sequence + 1, problem="Entries stand after the head.")
    if count == after.sequence and last_hash != after.hash:
        return _report(count, broken_at=count or None, problem="The head names another last entry.")
    return _report(count)


def _misfit(entry: AuditEntry, *, expected: int, previous_hash: str, head: AuditHead) -> str:
    if entry.sequence != expected:
        return "An entry is missing here."
    if entry.previous_hash != previous_hash:
        return "This entry does not follow the one before it."
    if entry.hash != entry_hash(entry):
        return "This entry was changed after it was written."
    if entry.sequence == head.sequence and entry.hash != head.hash:
        return "The head names another entry in this place."
    return ""


def _report(count: int, *, broken_at: int | None = None, problem: str = "") -> ChainReport:
    head = _head()
    return ChainReport(
        count=count,
        head_sequence=head.sequence,
        head_hash=head.hash,
        broken_at=broken_at,
        problem=problem,
    )


def _head() -> AuditHead:
    return AuditHead.objects.filter(id=1).first() or AuditHead()


def _plain(details: Mapping[str, Any]) -> Any:
    """Return `details` as both databases give them back, so that the hash can be computed again."""
    text = json.dumps(dict(details), cls=DjangoJSONEncoder)
    return json.loads(text, parse_float=_stable_number, parse_constant=str)


def _stable_number(text: str) -> float | int:
    number = float(text)
    return int(number) if abs(number) >= EXACT_INTEGERS else number + 0.0

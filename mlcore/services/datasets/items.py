"""Take images and what people said of them into the dataset of an examination type.

Labels come from signed reviews and from imports. Nothing here reads what a model said.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from medimaging.common.identity import identity_key
from mlcore.engine.training.data import Fold, fold_of
from mlcore.models import DatasetItem, DatasetLabel, ExaminationType, ItemState, Supersession

REASON_LENGTH = 300
MEASURED_FIRST = 300
"""Test images that an examination type collects before most of what is signed goes to training.

Models cannot be compared on a handful of images: an installation that begins would learn
for months before it could tell whether it learned anything.
"""
FIRST_SHARES = {"test": 0.3, "validation": 0.2}
LATER_SHARES = {"test": 0.1, "validation": 0.1}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one signed review, or one line of an import, says of an image."""

    origin_id: str
    """Names the review or the line; the same one is entered once."""
    labeled_by: str
    """Opaque: a reader's id or the name of an import."""
    labels: Mapping[str, bool]
    """By code of the condition: whether it is present."""
    model_answer_seen: bool = False
    labeled_at: datetime | None = None


def enter_item(
    examination_type: ExaminationType, *, source_id: str, content_key: str, group: str
) -> DatasetItem:
    """Return the item of this content, made as a candidate where there is none.

    The same content under another patient is the same item, and keeps the patient
    and the fold it was first entered with.
    """
    new: dict[str, Any] = {
        "source_id": source_id,
        "group": group,
        "fold": lambda: _fold(group, examination_type=examination_type),
    }
    item, _ = DatasetItem.objects.get_or_create(
        examination_type=examination_type, content_key=content_key, defaults=new
    )
    return item


def _fold(group: str, *, examination_type: ExaminationType) -> str:
    """Return where the patient stands already; a new one is placed by keyed hash, for good."""
    known = DatasetItem.objects.filter(group=group).order_by("added_at").values_list("fold", flat=True)
    return known.first() or fold_of(group, key=identity_key(), **_shares(examination_type)).value


def _shares(examination_type: ExaminationType) -> dict[str, float]:
    """Return which parts of the new patients are kept for tests and for validation."""
    held = DatasetItem.objects.filter(examination_type=examination_type, fold=Fold.TEST)
    few = held.exclude(state=ItemState.EXCLUDED)[:MEASURED_FIRST].count() < MEASURED_FIRST
    return FIRST_SHARES if few else LATER_SHARES


@transaction.atomic
def add_labels(item: DatasetItem, *, reading: Reading) -> bool:
    """Make the labels of this origin what the reading says; return whether anything changed.

    A label that was ended by a steward, a merge or a retirement stays ended.
    """
    now = timezone.now()
    known = {row.condition: row for row in item.labels.filter(origin_id=reading.origin_id).order_by("id")}
    stale = [
        row.pk
        for row in known.values()
        if row.superseded_at is None and reading.labels.get(row.condition) is not row.present
    ]
    new = [
        DatasetLabel(
            item=item,
            condition=condition,
            present=present,
            labeled_by=reading.labeled_by,
            origin_id=reading.origin_id,
            model_answer_seen=reading.model_answer_seen,
            labeled_at=reading.labeled_at or now,
        )
        for condition, present in sorted(reading.labels.items())
        if condition not in known or known[condition].pk in stale
    ]
    DatasetLabel.objects.filter(pk__in=stale).update(
        superseded_at=now, superseded_because=Supersession.AMENDED
    )
    DatasetLabel.objects.bulk_create(new)
    if (stale or new) and item.state != ItemState.CANDIDATE:
        reconsider(DatasetItem.objects.filter(pk=item.pk))
    return bool(stale or new)


@transaction.atomic
def end_labels(origin_id: str, *, because: Supersession) -> None:
    """End what one origin said; the labels stay on record."""
    said = DatasetLabel.objects.filter(origin_id=origin_id).filter(
        Q(superseded_at=None) | Q(superseded_because=Supersession.RETIRED)
    )
    item_ids = list(said.values_list("item_id", flat=True).distinct())
    said.update(superseded_at=timezone.now(), superseded_because=because)
    reconsider(DatasetItem.objects.filter(pk__in=item_ids))


def disputed_conditions(items: QuerySet[DatasetItem]) -> dict[UUID, list[str]]:
    """Return, for each item whose current labels disagree, the conditions they disagree on."""
    disputed: dict[UUID, list[str]] = defaultdict(list)
    kinds = (
        DatasetLabel.objects.current()
        .filter(item__in=items.order_by().values("pk"))
        .order_by("condition")
        .values_list("item_id", "condition")
        .annotate(kinds=Count("present", distinct=True))
        .filter(kinds__gt=1)
    )
    for item_id, condition, _ in kinds:
        disputed[item_id].append(condition)
    return dict(disputed)


def dispute_reason(conditions: list[str]) -> str:
    """Say on what the labels disagree."""
    return f"Labels disagree on: {', '.join(conditions)}."[:REASON_LENGTH]


def reconsider(items: QuerySet[DatasetItem]) -> None:
    """Follow the labels: an accepted item whose labels disagree waits, one whose labels agree again does not.

    Candidates are left to be placed, and what waits as a near-duplicate or is excluded
    is left to the data steward.
    """
    disputed = disputed_conditions(items)
    for item in items.filter(pk__in=list(disputed), state=ItemState.ACCEPTED):
        item.transition_to(ItemState.CONFLICTING, state_reason=dispute_reason(disputed[item.pk]))
    for item in items.filter(state=ItemState.CONFLICTING):
        if item.pk not in disputed:
            item.transition_to(ItemState.ACCEPTED, state_reason="")
        elif item.state_reason != dispute_reason(disputed[item.pk]):
            DatasetItem.objects.filter(pk=item.pk).update(state_reason=dispute_reason(disputed[item.pk]))

"""Carry what was decided about a condition over to the labels; every label stays on record."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from mlcore.models import DatasetItem, DatasetLabel, ExaminationType, Supersession
from mlcore.models.dataset import DatasetLabelQuerySet
from mlcore.services.datasets.items import reconsider

CHUNK = 500


@transaction.atomic
def relabel_condition(examination_type: ExaminationType, *, condition: str, into: str) -> int:
    """Move the current labels of `condition` to `into`, and return how many there were.

    Where one origin labeled both, present wins: the merged condition is there as soon as
    one of its names is.
    """
    old = _labels(examination_type, condition).current()
    rows = list(old.order_by("pk"))
    held = {
        (label.item_id, label.origin_id): label
        for label in _labels(examination_type, into).current().filter(item__in=old.values("item"))
    }
    new: list[DatasetLabel] = []
    outweighed: list[int] = []
    for row in rows:
        other = held.get((row.item_id, row.origin_id))
        if other is not None and not (row.present and not other.present):
            continue
        if other is not None:
            outweighed.append(other.pk)
        new.append(_under(row, condition=into))
    _end(old, because=Supersession.MERGED)
    for start in range(0, len(outweighed), CHUNK):
        chunk = DatasetLabel.objects.filter(pk__in=outweighed[start : start + CHUNK])
        _end(chunk, because=Supersession.MERGED)
    DatasetLabel.objects.bulk_create(new, batch_size=CHUNK)
    reconsider(_items(examination_type, condition))
    return len(rows)


@transaction.atomic
def retire_labels(examination_type: ExaminationType, *, condition: str) -> int:
    """End the labels of a condition that nobody uses any more, and return how many there were."""
    ended = _end(_labels(examination_type, condition).current(), because=Supersession.RETIRED)
    reconsider(_items(examination_type, condition))
    return ended


@transaction.atomic
def restore_labels(examination_type: ExaminationType, *, condition: str) -> int:
    """Let the labels count again that ended when the condition was retired."""
    retired = _labels(examination_type, condition).filter(superseded_because=Supersession.RETIRED)
    restored = retired.update(superseded_at=None, superseded_because="")
    reconsider(_items(examination_type, condition))
    return restored


def _labels(examination_type: ExaminationType, condition: str) -> DatasetLabelQuerySet:
    labels: DatasetLabelQuerySet = DatasetLabel.objects.filter(
        item__examination_type=examination_type, condition=condition
    )
    return labels


def _items(examination_type: ExaminationType, condition: str) -> QuerySet[DatasetItem]:
    labeled = DatasetLabel.objects.filter(condition=condition).values("item")
    return DatasetItem.objects.filter(examination_type=examination_type, pk__in=labeled)


def _end(labels: QuerySet[DatasetLabel], *, because: Supersession) -> int:
    return labels.update(superseded_at=timezone.now(), superseded_because=because)


def _under(row: DatasetLabel, *, condition: str) -> DatasetLabel:
    return DatasetLabel(
        item_id=row.item_id,
        condition=condition,
        present=row.present,
        labeled_by=row.labeled_by,
        origin_id=row.origin_id,
        model_answer_seen=row.model_answer_seen,
        labeled_at=row.labeled_at,
    )

"""Place candidates: fingerprint the image, look for near-duplicates, accept it or let it wait."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import numpy as np
import structlog
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from medimaging.common.states import LostRace
from medimaging.common.storage import read_content
from mlcore.engine.errors import EngineError
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.training.near_duplicates import (
    MIN_CORRELATION,
    Fingerprint,
    fine_correlation,
    fingerprint,
    hashes_within,
)
from mlcore.models import DatasetItem, ExaminationType, ItemState
from mlcore.services.datasets.items import dispute_reason, disputed_conditions

log = structlog.get_logger(__name__)

COMPARED_AT_MOST = 2000
"""Thumbnails read to confirm what one hash suggests; the nearest come first."""
LEFT_BEHIND_AFTER = timedelta(minutes=1)
"""After this long a candidate was left behind by a process that died."""
UNREADABLE = "The stored image cannot be read."


@dataclass
class HashIndex:
    """The hashes of an examination type's items, to be searched many times."""

    ids: list[UUID] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    count: int = 0
    hashes: "NDArray[np.int64]" = field(default_factory=lambda: np.zeros(1024, np.int64))

    def add(self, item_id: UUID, group: str, value: int) -> None:
        """Take one more item in."""
        if self.count == len(self.hashes):
            self.hashes = np.concatenate([self.hashes, np.zeros_like(self.hashes)])
        self.hashes[self.count] = value
        self.ids.append(item_id)
        self.groups.append(group)
        self.count += 1

    def near(self, value: int, *, exclude_group: str) -> list[UUID]:
        """Return the items of other patients whose hashes are near, nearest first."""
        places = hashes_within(value, self.hashes[: self.count])
        return [self.ids[at] for at in places if self.groups[at] != exclude_group]


def load_index(examination_type: ExaminationType) -> HashIndex:
    """Read the hashes of all items that are not excluded."""
    index = HashIndex()
    rows = DatasetItem.objects.filter(examination_type=examination_type, perceptual_hash__isnull=False)
    facts = rows.exclude(state=ItemState.EXCLUDED).values_list("pk", "group", "perceptual_hash")
    for pk, group, value in facts.order_by():
        index.add(pk, group, int(value or 0))
    return index


def settle_item(item: DatasetItem) -> DatasetItem:
    """Place one candidate by its stored image; whatever is no candidate is left alone."""
    if item.state != ItemState.CANDIDATE:
        return item
    try:
        image = decode_image(read_content(item.content_key))
    except (EngineError, FileNotFoundError):
        log.warning("dataset_item_unreadable", item=str(item.pk))
        return item.transition_to(ItemState.EXCLUDED, state_reason=UNREADABLE)
    return place_item(item, fingerprint(image.pixels))


@transaction.atomic
def place_item(item: DatasetItem, given: Fingerprint, *, index: HashIndex | None = None) -> DatasetItem:
    """Move a candidate to where its fingerprint and its labels put it.

    The examination type is locked, so that of two near-duplicates placed at once
    the second one sees the first; whoever brings an `index` along holds the lock.
    """
    if index is None:
        ExaminationType.objects.select_for_update().get(pk=item.examination_type_id)
        index = load_index(item.examination_type)
    twin = _near_duplicate(item, given, index=index)
    state, reason = _place(item, twin=twin)
    item.transition_to(
        state,
        state_reason=reason,
        perceptual_hash=given.hash,
        thumbnail=given.thumbnail,
        near_duplicate_of_id=twin,
    )
    index.add(item.pk, item.group, given.hash)
    return item


def settle_candidates(*, limit: int = 20) -> int:
    """Place the candidates that a dead process left behind, and return how many there were."""
    since = timezone.now() - LEFT_BEHIND_AFTER
    left = DatasetItem.objects.filter(state=ItemState.CANDIDATE, added_at__lt=since)
    items = list(left.select_related("examination_type").order_by("added_at")[:limit])
    for item in items:
        try:
            settle_item(item)
        except LostRace:
            continue
    return len(items)


def _near_duplicate(item: DatasetItem, given: Fingerprint, *, index: HashIndex) -> UUID | None:
    """Return the item of another patient that shows the same picture, or None."""
    suggested = index.near(given.hash, exclude_group=item.group)[:COMPARED_AT_MOST]
    if not suggested:
        return None
    rows = dict(DatasetItem.objects.filter(pk__in=suggested).values_list("pk", "thumbnail"))
    compared = [item_id for item_id in suggested if rows.get(item_id)]
    found = fine_correlation(given.thumbnail, [bytes(rows[item_id] or b"") for item_id in compared])
    if not len(found) or float(found.max()) <= MIN_CORRELATION:
        return None
    return compared[int(found.argmax())]


def _place(item: DatasetItem, *, twin: UUID | None) -> tuple[ItemState, str]:
    if twin is not None:
        return ItemState.NEAR_DUPLICATE, "The picture nearly equals one that is stored under another patient."
    disputed = disputed_conditions(DatasetItem.objects.filter(pk=item.pk))
    if disputed:
        return ItemState.CONFLICTING, dispute_reason(disputed[item.pk])
    return ItemState.ACCEPTED, ""

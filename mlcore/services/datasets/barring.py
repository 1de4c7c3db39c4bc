"""Keep images out of every training, frozen versions included, for as long as the reason holds.

Three reasons bar an image, each stronger than the one before: it is in quarantine, the
consent was withdrawn, it was erased. What a stronger one bars, a weaker one does not free.
"""

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.services import audit
from mlcore.models import CONSENT_WITHDRAWN, ERASED, QUARANTINED, DatasetItem, ItemState
from mlcore.services.datasets.items import reconsider

STRENGTH = {QUARANTINED: 1, CONSENT_WITHDRAWN: 2, ERASED: 3}


@transaction.atomic
def withdraw_consent(items: QuerySet[DatasetItem], *, by: User, reason: str) -> None:
    """Exclude the items for as long as the consent stays withdrawn, whatever others said of them."""
    _bar(items, because=CONSENT_WITHDRAWN, action="withdraw_consent", by=by, reason=reason)


@transaction.atomic
def renew_consent(items: QuerySet[DatasetItem], *, by: User, reason: str) -> None:
    """Take back in what was excluded because the consent was withdrawn."""
    _free(items, because=CONSENT_WITHDRAWN, action="renew_consent", by=by, reason=reason)


@transaction.atomic
def quarantine_items(items: QuerySet[DatasetItem], *, by: User, reason: str) -> None:
    """Exclude the items for as long as their image is in quarantine."""
    _bar(items, because=QUARANTINED, action="quarantine", by=by, reason=reason)


@transaction.atomic
def release_items(items: QuerySet[DatasetItem], *, by: User, reason: str) -> None:
    """Take back in what was excluded because its image was in quarantine."""
    _free(items, because=QUARANTINED, action="release", by=by, reason=reason)


@transaction.atomic
def mark_erased(items: QuerySet[DatasetItem], *, by: User, reason: str) -> int:
    """Exclude the items for good and drop what was worked out from their pixels; return how many."""
    _bar(items, because=ERASED, action="erase", by=by, reason=reason)
    return items.update(thumbnail=None, perceptual_hash=None)


def _bar(items: QuerySet[DatasetItem], *, because: str, action: str, by: User, reason: str) -> None:
    stronger = [name for name, strength in STRENGTH.items() if strength >= STRENGTH[because]]
    for item in items.select_for_update().exclude(state_reason__in=stronger):
        if item.state == ItemState.EXCLUDED:
            DatasetItem.objects.filter(pk=item.pk).update(state_reason=because)
        else:
            item.transition_to(ItemState.EXCLUDED, state_reason=because)
        audit.record(f"dataset_item.{action}", by=by, target=item, reason=reason)


def _free(items: QuerySet[DatasetItem], *, because: str, action: str, by: User, reason: str) -> None:
    item_ids = []
    for item in items.select_for_update().filter(state=ItemState.EXCLUDED, state_reason=because):
        item.transition_to(ItemState.ACCEPTED, state_reason="")
        audit.record(f"dataset_item.{action}", by=by, target=item, reason=reason)
        item_ids.append(item.pk)
    reconsider(DatasetItem.objects.filter(pk__in=item_ids))

"""What a data steward decides: which label holds, what is learned from, and what is not."""

from collections.abc import Mapping
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import audit
from medimaging.common.errors import ApplicationError, Conflict, NotAllowed
from mlcore.models import BARRED, CONSENT_WITHDRAWN, DatasetItem, DatasetLabel, ItemState, Supersession
from mlcore.services.datasets.items import REASON_LENGTH, disputed_conditions, reconsider

STEWARD_PERMISSION = "mlcore.change_datasetitem"


class InvalidDecision(ApplicationError):
    """What was given does not settle the item."""

    code = "invalid_decision"


def require_steward(user: User) -> None:
    """Refuse everybody but administrators and data stewards."""
    if not user.has_perm(STEWARD_PERMISSION):
        raise NotAllowed("Only an administrator or a data steward decides about datasets.")


@transaction.atomic
def resolve_conflict(item: DatasetItem, *, by: User, labels: Mapping[str, bool], reason: str) -> DatasetItem:
    """Say which labels hold; those of the same conditions stay on record and count no longer.

    `labels` names every condition that is disputed, and may correct others that are labeled.
    """
    require_steward(by)
    reason = _stated(reason)
    item = _locked(item)
    if item.state != ItemState.CONFLICTING:
        raise Conflict("The labels of this item do not disagree.", mend="Load it again.")
    disputed = set(disputed_conditions(DatasetItem.objects.filter(pk=item.pk))[item.pk])
    current = item.labels.current()
    if not disputed <= set(labels) or not set(labels) <= set(current.values_list("condition", flat=True)):
        raise InvalidDecision(
            "The decision does not fit what is disputed.",
            mend=f"Say for each of these whether it is present: {', '.join(sorted(disputed))}.",
        )
    now = timezone.now()
    ended = current.filter(condition__in=labels)
    before = [{"condition": row.condition, "present": row.present, "by": row.labeled_by} for row in ended]
    ended.update(superseded_at=now, superseded_because=Supersession.RESOLVED)
    origin_id = f"steward:{uuid4()}"
    DatasetLabel.objects.bulk_create(
        DatasetLabel(
            item=item,
            condition=condition,
            present=present,
            labeled_by=str(by.pk),
            origin_id=origin_id,
            labeled_at=now,
        )
        for condition, present in sorted(labels.items())
    )
    item.transition_to(ItemState.ACCEPTED, state_reason="")
    details = {"before": before, "after": dict(labels)}
    audit.record("dataset_item.resolve", by=by, target=item, reason=reason, details=details)
    return item


def decide_dispute(item: DatasetItem, *, by: User, present: str, reason: str) -> DatasetItem:
    """Resolve a conflict by naming, separated by commas, the disputed conditions that are present."""
    disputed = disputed_conditions(DatasetItem.objects.filter(pk=item.pk)).get(item.pk, [])
    named = {code.strip() for code in present.split(",") if code.strip()}
    if not named <= set(disputed):
        raise InvalidDecision(
            "A condition was named that is not disputed.", mend=f"Disputed are: {', '.join(disputed)}."
        )
    return resolve_conflict(item, by=by, labels={code: code in named for code in disputed}, reason=reason)


@transaction.atomic
def accept_item(item: DatasetItem, *, by: User, reason: str) -> DatasetItem:
    """Let models learn from the item, a near-duplicate or one that was excluded."""
    require_steward(by)
    reason = _stated(reason)
    item = _locked(item)
    if item.state_reason == CONSENT_WITHDRAWN:
        raise Conflict(
            "The consent to training was withdrawn for this image.",
            mend="Only an amended review that gives the consent again takes it back in.",
        )
    if item.state_reason in BARRED:
        raise Conflict(f"{item.state_reason} It is kept out of every training.", code="barred")
    if item.state == ItemState.CONFLICTING:
        raise Conflict("The labels of this item disagree.", mend="Say which of them hold.")
    details = {"before": item.state, "before_reason": item.state_reason}
    item.transition_to(ItemState.ACCEPTED, state_reason="")
    audit.record("dataset_item.accept", by=by, target=item, reason=reason, details=details)
    reconsider(DatasetItem.objects.filter(pk=item.pk))
    item.refresh_from_db()
    return item


@transaction.atomic
def exclude_item(item: DatasetItem, *, by: User, reason: str) -> DatasetItem:
    """Keep models from learning from the item; versions frozen before still list it."""
    require_steward(by)
    reason = _stated(reason)
    item = _locked(item)
    if item.state_reason in BARRED:
        raise Conflict(f"{item.state_reason} It is kept out of every training already.", code="barred")
    details = {"before": item.state, "before_reason": item.state_reason}
    item.transition_to(ItemState.EXCLUDED, state_reason=reason[:REASON_LENGTH])
    audit.record("dataset_item.exclude", by=by, target=item, reason=reason, details=details)
    return item


def _stated(reason: str) -> str:
    if not reason.strip():
        raise InvalidDecision("A decision needs a reason.", mend="Say why.")
    return reason.strip()


def _locked(item: DatasetItem) -> DatasetItem:
    return DatasetItem.objects.select_for_update().get(pk=item.pk)

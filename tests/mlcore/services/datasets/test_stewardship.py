"""What waits is settled by data stewards and administrators alone, each time with a reason."""

import pytest

from accounts.models import AuditEntry, Role, User
from medimaging.common.errors import Conflict, NotAllowed
from mlcore.models import CONSENT_WITHDRAWN, DatasetItem, DatasetLabel, ItemState, Supersession
from mlcore.services.datasets import Reading, accept_item, add_labels, exclude_item, resolve_conflict
from mlcore.services.datasets.stewardship import InvalidDecision, decide_dispute
from tests.factories import DatasetItemFactory, DatasetLabelFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def steward() -> User:
    return UserFactory.create(role=Role.DATA_STEWARD)


@pytest.fixture
def disputed() -> DatasetItem:
    item = DatasetItemFactory.create(state=ItemState.CONFLICTING)
    for present in (True, False):
        DatasetLabelFactory.create(item=item, condition="benign", present=present)
        DatasetLabelFactory.create(item=item, condition="malignant", present=not present)
    return item


def holds(item: DatasetItem) -> dict[str, set[bool]]:
    found: dict[str, set[bool]] = {}
    for label in item.labels.current():
        found.setdefault(label.condition, set()).add(label.present)
    return found


def test_a_decision_takes_the_place_of_the_labels_that_disagree(steward: User, disputed: DatasetItem) -> None:
    labels = {"benign": False, "malignant": True}
    item = resolve_conflict(disputed, by=steward, labels=labels, reason="Biopsy.")
    assert item.state == ItemState.ACCEPTED
    assert holds(item) == {"benign": {False}, "malignant": {True}}
    ended = DatasetLabel.objects.filter(superseded_because=Supersession.RESOLVED)
    assert ended.count() == 4
    entry = AuditEntry.objects.get(action="dataset_item.resolve")
    assert (entry.actor, entry.reason, entry.details["after"]) == (steward, "Biopsy.", labels)


@pytest.mark.parametrize(
    "labels", [{}, {"benign": True}, {"benign": True, "malignant": False, "knee": False}]
)
def test_a_decision_fits_what_is_disputed(
    steward: User, disputed: DatasetItem, labels: dict[str, bool]
) -> None:
    with pytest.raises(InvalidDecision, match="benign, malignant"):
        resolve_conflict(disputed, by=steward, labels=labels, reason="Biopsy.")


def test_what_is_not_disputed_is_not_resolved(steward: User) -> None:
    item = DatasetLabelFactory.create().item
    with pytest.raises(Conflict):
        resolve_conflict(item, by=steward, labels={"pneumonia": True}, reason="Why not.")


def test_naming_what_is_present_makes_the_rest_absent(steward: User, disputed: DatasetItem) -> None:
    with pytest.raises(InvalidDecision, match="not disputed"):
        decide_dispute(disputed, by=steward, present="knee", reason="Biopsy.")
    item = decide_dispute(disputed, by=steward, present=" malignant ,", reason="Biopsy.")
    assert holds(item) == {"benign": {False}, "malignant": {True}}


@pytest.mark.parametrize("role", [Role.READER, Role.AUDITOR, Role.INTEGRATOR])
def test_nobody_else_decides(role: Role, disputed: DatasetItem) -> None:
    by = UserFactory.create(role=role)
    with pytest.raises(NotAllowed):
        resolve_conflict(disputed, by=by, labels={"benign": True, "malignant": False}, reason="Mine.")
    for act in (accept_item, exclude_item):
        with pytest.raises(NotAllowed):
            act(disputed, by=by, reason="Mine.")
    disputed.refresh_from_db()
    assert disputed.state == ItemState.CONFLICTING


def test_a_decision_needs_a_reason(steward: User, disputed: DatasetItem) -> None:
    with pytest.raises(InvalidDecision, match="reason"):
        exclude_item(disputed, by=steward, reason="  ")


def test_what_labels_disagree_about_is_not_simply_accepted(steward: User, disputed: DatasetItem) -> None:
    with pytest.raises(Conflict, match="disagree"):
        accept_item(disputed, by=steward, reason="Fine.")


def test_an_accepted_near_duplicate_whose_labels_disagree_waits_for_that(steward: User) -> None:
    item = DatasetItemFactory.create(state=ItemState.NEAR_DUPLICATE)
    DatasetLabelFactory.create(item=item, present=True)
    DatasetLabelFactory.create(item=item, present=False)
    assert accept_item(item, by=steward, reason="Two patients.").state == ItemState.CONFLICTING


def test_what_was_excluded_may_be_accepted_again_unless_consent_was_withdrawn(steward: User) -> None:
    item = exclude_item(DatasetItemFactory.create(), by=steward, reason="Blurred.")
    assert (item.state, item.state_reason) == (ItemState.EXCLUDED, "Blurred.")
    assert accept_item(item, by=steward, reason="Not that blurred.").state == ItemState.ACCEPTED
    withdrawn = DatasetItemFactory.create(state=ItemState.EXCLUDED, state_reason=CONSENT_WITHDRAWN)
    with pytest.raises(Conflict, match="consent"):
        accept_item(withdrawn, by=steward, reason="Needed.")


def test_a_reading_entered_again_does_not_undo_a_decision(steward: User, disputed: DatasetItem) -> None:
    origin = disputed.labels.filter(condition="benign", present=True).get()
    resolve_conflict(disputed, by=steward, labels={"benign": False, "malignant": True}, reason="Biopsy.")
    reading = Reading(origin_id=origin.origin_id, labeled_by=origin.labeled_by, labels={"benign": True})
    disputed.refresh_from_db()
    assert add_labels(disputed, reading=reading) is False
    assert holds(disputed) == {"benign": {False}, "malignant": {True}}

"""A frozen version never changes, and the same content is the same version."""

import hashlib
import json

import pytest

from accounts.models import AuditEntry, Role, User
from medimaging.common.errors import NotAllowed
from medimaging.common.storage import delete_content, read_content, store_content
from mlcore.engine.training.data import Fold
from mlcore.models import (
    CONSENT_WITHDRAWN,
    DatasetItem,
    DatasetLabel,
    ExaminationType,
    ItemState,
    Supersession,
)
from mlcore.selectors.manifests import DamagedManifest
from mlcore.services.datasets import (
    EmptyDataset,
    compare_versions,
    exclude_item,
    freeze_version,
    load_version,
    read_manifest,
)
from tests.factories import DatasetItemFactory, DatasetLabelFactory, ExaminationTypeFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def steward() -> User:
    return UserFactory.create(role=Role.DATA_STEWARD)


@pytest.fixture
def kind() -> ExaminationType:
    return ExaminationTypeFactory.create()


def labeled(kind: ExaminationType, **values: object) -> DatasetItem:
    present = values.pop("present", True)
    item: DatasetItem = DatasetItemFactory.create(examination_type=kind, **values)
    DatasetLabelFactory.create(item=item, present=present)
    return item


def test_a_manifest_is_sorted_and_named_by_its_hash_and_hides_the_patient(
    kind: ExaminationType, steward: User
) -> None:
    items = [labeled(kind, group=f"patient-{n % 2}") for n in range(4)]
    version = freeze_version(kind, by=steward, note="First.")
    content = read_content(version.manifest_key)
    assert hashlib.sha256(content).hexdigest() == version.manifest_sha256
    assert version.manifest_sha256 in version.manifest_key
    rows = [json.loads(line) for line in content.splitlines()]
    assert [row["content_key"] for row in rows] == sorted(item.content_key for item in items)
    assert rows[0] == {
        "content_key": items[0].content_key,
        "fold": "train",
        "group": rows[2]["group"],
        "labels": {"pneumonia": True},
    }
    assert len({row["group"] for row in rows}) == 2
    assert b"patient-" not in content
    assert AuditEntry.objects.get(action="dataset_version.freeze").details["item_count"] == 4


def test_freezing_the_same_content_again_gives_the_same_version(kind: ExaminationType, steward: User) -> None:
    item = labeled(kind)
    first = freeze_version(kind, by=steward)
    DatasetLabelFactory.create(item=item)
    assert freeze_version(kind, by=None) == first
    labeled(kind)
    assert freeze_version(kind, by=None).number == 2


def test_only_what_is_accepted_and_labeled_is_frozen(kind: ExaminationType, steward: User) -> None:
    kept = labeled(kind)
    for state in set(ItemState) - {ItemState.ACCEPTED}:
        labeled(kind, state=state)
    DatasetItemFactory.create(examination_type=kind)
    ended = labeled(kind)
    DatasetLabel.objects.filter(item=ended).update(
        superseded_at=ended.added_at, superseded_because=Supersession.AMENDED
    )
    labeled(ExaminationTypeFactory.create())
    rows = load_version(freeze_version(kind, by=steward))
    assert [row.content_key for row in rows] == [kept.content_key]


def test_a_version_counts_by_fold_and_condition(kind: ExaminationType, steward: User) -> None:
    labeled(kind)
    labeled(kind, present=False)
    labeled(kind, fold=Fold.TEST, present=False)
    assert freeze_version(kind, by=steward).counts == {
        "test": {"*": 1, "pneumonia": 0},
        "train": {"*": 2, "pneumonia": 1},
    }


def test_what_happens_later_does_not_reach_a_frozen_version(kind: ExaminationType, steward: User) -> None:
    item = labeled(kind)
    version = freeze_version(kind, by=steward)
    before = read_manifest(version)
    exclude_item(item, by=steward, reason="Blurred.")
    labeled(kind)
    assert read_manifest(version) == before == load_version(version)


def test_what_consent_was_withdrawn_for_is_not_learned_from_in_any_version(
    kind: ExaminationType, steward: User
) -> None:
    item, kept = labeled(kind), labeled(kind)
    version = freeze_version(kind, by=steward)
    item.transition_to(ItemState.EXCLUDED, state_reason=CONSENT_WITHDRAWN)
    assert [row.content_key for row in load_version(version)] == [kept.content_key]
    assert len(read_manifest(version)) == 2


def test_two_versions_are_compared(kind: ExaminationType, steward: User) -> None:
    gone, kept, changed = labeled(kind), labeled(kind), labeled(kind)
    before = freeze_version(kind, by=steward)
    exclude_item(gone, by=steward, reason="Blurred.")
    DatasetLabel.objects.filter(item=changed).update(present=False)
    new = labeled(kind)
    found = compare_versions(before, freeze_version(kind, by=steward))
    assert (found.added, found.removed) == ((new.content_key,), (gone.content_key,))
    assert found.relabeled == {changed.content_key: ({"pneumonia": True}, {"pneumonia": False})}
    assert kept.content_key not in found.relabeled


def test_a_manifest_that_was_changed_is_not_read(kind: ExaminationType, steward: User) -> None:
    labeled(kind)
    version = freeze_version(kind, by=steward)
    version.manifest_key = store_content(b"{}\n", kind="datasets", extension="jsonl")
    with pytest.raises(DamagedManifest):
        load_version(version)
    delete_content(version.manifest_key)


def test_nothing_is_frozen_by_somebody_who_may_not_or_where_there_is_nothing(
    kind: ExaminationType, steward: User, reader: User
) -> None:
    with pytest.raises(EmptyDataset):
        freeze_version(kind, by=steward)
    labeled(kind)
    with pytest.raises(NotAllowed):
        freeze_version(kind, by=reader)

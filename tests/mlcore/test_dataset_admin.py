"""Stewards settle what waits on the administration's pages, with a reason."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import AuditEntry, Role
from mlcore.models import DatasetItem, DatasetVersion, ItemState
from tests.diagnosis.admin.forms import address, perform, said
from tests.factories import PASSWORD, DatasetItemFactory, DatasetLabelFactory, UserFactory

AsRole = Callable[[Role], Client]


@pytest.fixture
def as_role(client: Client, db: None) -> AsRole:
    """Return a function that signs in somebody with a role."""

    def sign_in(role: Role) -> Client:
        assert client.login(email=UserFactory.create(role=role).email, password=PASSWORD)
        return client

    return sign_in


@pytest.fixture
def disputed(db: None) -> DatasetItem:
    item: DatasetItem = DatasetItemFactory.create(state=ItemState.CONFLICTING, thumbnail=b"\x11" * 1024)
    DatasetLabelFactory.create(item=item, condition="benign", present=True)
    DatasetLabelFactory.create(item=item, condition="benign", present=False)
    return item


def state_of(item: DatasetItem) -> str:
    return DatasetItem.objects.get(pk=item.pk).state


def test_a_steward_decides_which_label_holds(as_role: AsRole, disputed: DatasetItem) -> None:
    client = as_role(Role.DATA_STEWARD)
    refused = perform(client, "resolve", disputed, reason="Biopsy.", present="knee")
    assert "not disputed" in said(refused)
    perform(client, "resolve", disputed, reason="Biopsy.", present="benign")
    assert state_of(disputed) == "accepted"
    assert [label.present for label in disputed.labels.current()] == [True]
    assert AuditEntry.objects.get(action="dataset_item.resolve").reason == "Biopsy."


def test_a_steward_accepts_near_duplicates_and_excludes_them(as_role: AsRole) -> None:
    items = DatasetItemFactory.create_batch(2, state=ItemState.NEAR_DUPLICATE)
    client = as_role(Role.DATA_STEWARD)
    perform(client, "accept", *items, reason="Different patients.")
    assert {state_of(item) for item in items} == {"accepted"}
    perform(client, "exclude", items[0], reason="Blurred.")
    assert [state_of(item) for item in items] == ["excluded", "accepted"]


def test_a_version_is_frozen_from_the_page_of_the_examination_type(as_role: AsRole) -> None:
    label = DatasetLabelFactory.create()
    perform(as_role(Role.DATA_STEWARD), "freeze_dataset", label.item.examination_type, reason="Monthly.")
    assert DatasetVersion.objects.get().note == "Monthly."


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.READER, Role.INTEGRATOR])
def test_nobody_else_settles_anything(role: Role, as_role: AsRole, disputed: DatasetItem) -> None:
    form = {"action": "exclude", "_selected_action": [str(disputed.pk)], "confirm": "1", "reason": "Mine."}
    as_role(role).post(address(DatasetItem, "changelist"), form)
    assert state_of(disputed) == "conflicting"


def test_the_page_of_an_item_links_its_twin_and_shows_no_bytes(
    as_role: AsRole, disputed: DatasetItem
) -> None:
    twin = DatasetItemFactory.create(near_duplicate_of=disputed, state=ItemState.NEAR_DUPLICATE)
    client = as_role(Role.AUDITOR)
    content = client.get(address(DatasetItem, "change", twin.pk)).content.decode()
    assert address(DatasetItem, "change", disputed.pk) in content
    assert "thumbnail" not in client.get(address(DatasetItem, "change", disputed.pk)).content.decode().lower()

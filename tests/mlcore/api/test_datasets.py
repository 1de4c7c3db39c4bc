"""Datasets over REST: versions for everybody, items for those who see every image, decisions by stewards."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Role, Scope, User
from mlcore.models import DatasetItem, DatasetVersion, ItemState
from tests.factories import DatasetItemFactory, DatasetLabelFactory, DatasetVersionFactory, UserFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

REASON = {"reason": "A second reader was asked."}


@pytest.fixture
def steward(db: None) -> User:
    return UserFactory.create(role=Role.DATA_STEWARD)


@pytest.fixture
def disputed(db: None) -> DatasetItem:
    item = DatasetItemFactory.create(state=ItemState.CONFLICTING, state_reason="Labels disagree.")
    DatasetLabelFactory.create(item=item, present=True)
    DatasetLabelFactory.create(item=item, present=False)
    return item


def test_a_steward_freezes_and_freezing_again_gives_the_same_version(api: Api, steward: User) -> None:
    label = DatasetLabelFactory.create()
    client = api(steward)
    asked = {"examination_type": label.item.examination_type.code, "note": "First."}
    frozen = client.post("/api/v1/datasets", asked)
    assert frozen.status_code == 201
    assert frozen.json()["counts"] == {"train": {"*": 1, "pneumonia": 1}}
    assert "manifest_key" not in frozen.json()
    assert client.get(frozen["Location"]).json() == frozen.json()
    again = client.post("/api/v1/datasets", asked)
    assert (again.status_code, again.json()["id"]) == (200, frozen.json()["id"])


def test_a_repeated_request_freezes_once(api: Api, steward: User) -> None:
    label = DatasetLabelFactory.create()
    client = api(steward)
    asked = {"examination_type": label.item.examination_type.code}
    first = client.post("/api/v1/datasets", asked, headers={"Idempotency-Key": "k"})
    DatasetLabelFactory.create(item__examination_type=label.item.examination_type)
    second = client.post("/api/v1/datasets", asked, headers={"Idempotency-Key": "k"})
    assert second.json() == first.json()
    assert DatasetVersion.objects.count() == 1


def test_there_is_nothing_to_freeze_in_an_empty_dataset(api: Api, steward: User) -> None:
    item = DatasetItemFactory.create()
    refused = api(steward).post("/api/v1/datasets", {"examination_type": item.examination_type.code})
    assert_problem(refused, 409, "empty_dataset")


def test_versions_are_compared(api: Api, steward: User) -> None:
    label = DatasetLabelFactory.create()
    client = api(steward)
    asked = {"examination_type": label.item.examination_type.code}
    before = client.post("/api/v1/datasets", asked).json()["id"]
    added = DatasetLabelFactory.create(item__examination_type=label.item.examination_type).item
    after = client.post("/api/v1/datasets", asked).json()["id"]
    found = client.get(f"/api/v1/datasets/{before}/compare/{after}")
    assert found.json() == {"added": [added.content_key], "removed": [], "relabeled": {}}


def test_a_reader_sees_versions_but_no_image_of_them(api: Api, charlie: User, disputed: DatasetItem) -> None:
    version, other = DatasetVersionFactory.create_batch(2)
    client = api(charlie)
    assert len(client.get("/api/v1/datasets").json()["results"]) == 2
    assert_problem(client.get(f"/api/v1/datasets/{version.pk}/compare/{other.pk}"), 404, "not_found")
    assert client.get("/api/v1/dataset-items").json()["results"] == []
    assert_problem(client.get(f"/api/v1/dataset-items/{disputed.pk}"), 404, "not_found")


@pytest.mark.parametrize("role", [Role.READER, Role.INTEGRATOR, Role.AUDITOR])
def test_nobody_but_stewards_and_administrators_changes_anything(
    api: Api, role: Role, disputed: DatasetItem
) -> None:
    client = api(UserFactory.create(role=role))
    asked = {"examination_type": disputed.examination_type.code}
    assert_problem(client.post("/api/v1/datasets", asked), 403, "not_allowed")
    for act in ("resolve", "accept", "exclude"):
        refused = client.post(f"/api/v1/dataset-items/{disputed.pk}/{act}", REASON)
        assert_problem(refused, 403, "not_allowed")
    disputed.refresh_from_db()
    assert disputed.state == ItemState.CONFLICTING
    assert not DatasetVersion.objects.exists()


@pytest.mark.parametrize("path", ["datasets", "dataset-items"])
def test_outsiders_read_nothing(api: Api, db: None, path: str) -> None:
    assert_outsiders_stay_out(lambda client: client.get(f"/api/v1/{path}"), api=api, scope=Scope.READ)


def test_outsiders_decide_nothing(api: Api, disputed: DatasetItem) -> None:
    for path in ("datasets", f"dataset-items/{disputed.pk}/exclude"):
        assert_outsiders_stay_out(
            lambda client, path=path: client.post(f"/api/v1/{path}", REASON),  # type: ignore[misc]
            api=api,
            scope=Scope.TRAIN,
        )
    disputed.refresh_from_db()
    assert disputed.state == ItemState.CONFLICTING


def test_a_token_without_the_scope_freezes_nothing(api: Api, steward: User, disputed: DatasetItem) -> None:
    client = api(steward, scopes=["read", "upload", "review"])
    refused = client.post("/api/v1/datasets", {"examination_type": disputed.examination_type.code})
    assert_problem(refused, 403, "insufficient_scope")


def test_what_waits_is_listed_with_the_labels_that_count(
    api: Api, steward: User, disputed: DatasetItem
) -> None:
    DatasetItemFactory.create()
    client = api(steward)
    (item,) = client.get("/api/v1/dataset-items?state=conflicting").json()["results"]
    assert item["id"] == str(disputed.pk)
    assert sorted(label["present"] for label in item["labels"]) == [False, True]
    code = disputed.examination_type.code
    assert len(client.get(f"/api/v1/dataset-items?examination_type={code}").json()["results"]) == 1


def test_a_steward_says_which_label_holds(api: Api, steward: User, disputed: DatasetItem) -> None:
    client = api(steward)
    path = f"/api/v1/dataset-items/{disputed.pk}/resolve"
    assert_problem(client.post(path, {**REASON, "labels": {}}, format="json"), 400, "invalid")
    refused = client.post(path, {**REASON, "labels": {"knee": True}}, format="json")
    assert_problem(refused, 422, "invalid_decision")
    resolved = client.post(path, {**REASON, "labels": {"pneumonia": False}}, format="json").json()
    assert resolved["state"] == "accepted"
    assert [(label["present"], label["labeled_by"]) for label in resolved["labels"]] == [
        (False, str(steward.pk))
    ]
    assert AuditEntry.objects.get(action="dataset_item.resolve").reason == REASON["reason"]


def test_a_steward_accepts_and_excludes(api: Api, steward: User) -> None:
    item = DatasetItemFactory.create(state=ItemState.NEAR_DUPLICATE)
    client = api(steward)
    assert client.post(f"/api/v1/dataset-items/{item.pk}/accept", REASON).json()["state"] == "accepted"
    excluded = client.post(f"/api/v1/dataset-items/{item.pk}/exclude", REASON).json()
    assert (excluded["state"], excluded["state_reason"]) == ("excluded", REASON["reason"])
    assert_problem(client.post(f"/api/v1/dataset-items/{item.pk}/accept", {"reason": " "}), 400, "invalid")


@pytest.mark.parametrize("path", ["datasets", "dataset-items"])
def test_the_queries_of_a_list_do_not_grow_with_its_rows(api: Api, steward: User, path: str) -> None:
    client = api(steward)
    counts = []
    for _ in range(2):
        for _ in range(3):
            item = DatasetItemFactory.create()
            DatasetLabelFactory.create_batch(2, item=item)
            DatasetVersionFactory.create(examination_type=item.examination_type)
        with CaptureQueriesContext(connection) as queries:
            assert len(client.get(f"/api/v1/{path}").json()["results"]) in (3, 6)
        counts.append(len(queries))
    assert counts[1] <= counts[0] <= 5

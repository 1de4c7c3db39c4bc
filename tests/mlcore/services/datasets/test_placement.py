"""Candidates are accepted, or wait: as a near-duplicate first, then for their labels."""

from datetime import timedelta

import pytest
from django.utils import timezone

from medimaging.common.storage import store_content
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.training.near_duplicates import fingerprint
from mlcore.models import DatasetItem, ExaminationType, ItemState
from mlcore.services.datasets import HashIndex, load_index, place_item, settle_candidates, settle_item
from tests.factories import DatasetItemFactory, DatasetLabelFactory, ExaminationTypeFactory
from tests.pictures import exported_again, texture_png

pytestmark = pytest.mark.django_db


@pytest.fixture
def kind() -> ExaminationType:
    return ExaminationTypeFactory.create()


def candidate(kind: ExaminationType, content: bytes, **values: object) -> DatasetItem:
    key = store_content(content, kind="instances", extension="png")
    item: DatasetItem = DatasetItemFactory.create(
        examination_type=kind, content_key=key, state=ItemState.CANDIDATE, **values
    )
    return item


def test_a_picture_like_no_other_is_accepted_and_remembered(kind: ExaminationType) -> None:
    settle_item(candidate(kind, texture_png(1)))
    item = settle_item(candidate(kind, texture_png(2)))
    assert item.state == ItemState.ACCEPTED
    assert len(bytes(item.thumbnail or b"")) == 1024
    assert load_index(kind).count == 2


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, ItemState.NEAR_DUPLICATE),
        ({"group": "same"}, ItemState.ACCEPTED),
    ],
)
def test_another_export_waits_unless_it_is_of_the_same_patient(
    kind: ExaminationType, values: dict[str, str], state: ItemState
) -> None:
    settle_item(candidate(kind, texture_png(1), group="same"))
    assert settle_item(candidate(kind, exported_again(texture_png(1)), **values)).state == state


def test_what_is_excluded_or_of_another_examination_type_is_not_compared(kind: ExaminationType) -> None:
    first = settle_item(candidate(kind, texture_png(1)))
    first.transition_to(ItemState.EXCLUDED)
    settle_item(candidate(ExaminationTypeFactory.create(), texture_png(1)))
    assert settle_item(candidate(kind, exported_again(texture_png(1)))).state == ItemState.ACCEPTED


def test_a_near_duplicate_with_labels_that_disagree_waits_as_a_near_duplicate(kind: ExaminationType) -> None:
    settle_item(candidate(kind, texture_png(1)))
    item = candidate(kind, exported_again(texture_png(1)))
    DatasetLabelFactory.create(item=item, present=True)
    DatasetLabelFactory.create(item=item, present=False)
    assert settle_item(item).state == ItemState.NEAR_DUPLICATE


def test_labels_that_disagree_wait(kind: ExaminationType) -> None:
    item = candidate(kind, texture_png(1))
    DatasetLabelFactory.create(item=item, present=True)
    DatasetLabelFactory.create(item=item, present=False)
    settle_item(item)
    assert (item.state, item.state_reason) == (ItemState.CONFLICTING, "Labels disagree on: pneumonia.")


def test_what_a_dead_process_left_is_placed_later_and_what_is_new_is_left_to_its_own(
    kind: ExaminationType,
) -> None:
    left = candidate(kind, texture_png(1), added_at=timezone.now() - timedelta(minutes=2))
    fresh = candidate(kind, texture_png(2))
    broken = DatasetItemFactory.create(
        examination_type=kind, state=ItemState.CANDIDATE, added_at=timezone.now() - timedelta(minutes=2)
    )
    assert settle_candidates() == 2
    for item, state in (
        (left, ItemState.ACCEPTED),
        (fresh, ItemState.CANDIDATE),
        (broken, ItemState.EXCLUDED),
    ):
        item.refresh_from_db()
        assert item.state == state


def test_an_index_grows_and_sees_what_was_placed_with_it(kind: ExaminationType) -> None:
    index = HashIndex()
    for number in range(1500):
        index.add(DatasetItemFactory.build().pk, "g", number)
    item = candidate(kind, texture_png(1))
    given = fingerprint(decode_image(texture_png(1)).pixels)
    place_item(item, given, index=index)
    assert (index.count, index.near(given.hash, exclude_group="other")) == (1501, [item.pk])

"""Items keep their patient and their fold; labels are entered once an origin."""

import pytest
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from mlcore.engine.training.data import Fold
from mlcore.models import DatasetItem, DatasetLabel, ExaminationType, Supersession
from mlcore.services.datasets import Reading, add_labels, enter_item
from tests.factories import DatasetItemFactory, ExaminationTypeFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def kind() -> ExaminationType:
    return ExaminationTypeFactory.create()


def enter(kind: ExaminationType, number: int, *, group: str) -> DatasetItem:
    return enter_item(kind, source_id=f"s{number}", content_key=f"instances/{number}.png", group=group)


def test_a_patient_never_changes_sides(kind: ExaminationType, settings: Settings) -> None:
    before = {group: enter(kind, group, group=f"p{group}").fold for group in range(60)}
    assert set(before.values()) == {fold.value for fold in Fold}
    for group in range(60):
        enter(kind, 1000 + group, group=f"p{group}")
    settings.IDENTITY_KEY = "another key, as after a restore without the old one"
    for group in range(60):
        enter(kind, 2000 + group, group=f"p{group}")
        enter(ExaminationTypeFactory.create(), 3000 + group, group=f"p{group}")
    for group, fold in before.items():
        folds = set(DatasetItem.objects.filter(group=f"p{group}").values_list("fold", flat=True))
        assert folds == {fold}


def test_the_first_patients_fill_the_test_fold_and_later_ones_the_training_fold(
    kind: ExaminationType, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IDENTITY_KEY = "a key that is always the same"
    monkeypatch.setattr("mlcore.services.datasets.items.MEASURED_FIRST", 20)
    folds = [enter(kind, number, group=f"p{number}").fold for number in range(400)]
    full = [at for at, fold in enumerate(folds) if fold == Fold.TEST][19] + 1
    first, later = folds[:full], folds[full:]
    assert 0.15 < first.count(Fold.TEST) / len(first) < 0.5
    assert 0.03 < later.count(Fold.TEST) / len(later) < 0.2
    assert later.count(Fold.TRAIN) / len(later) > 0.7


def test_the_same_content_is_the_same_item_whoever_it_is_said_to_be_of(kind: ExaminationType) -> None:
    first = enter(kind, 1, group="a")
    again = enter_item(kind, source_id="other", content_key=first.content_key, group="b")
    assert (again, again.group, again.fold) == (first, "a", first.fold)


def test_another_examination_type_has_an_item_of_its_own(kind: ExaminationType) -> None:
    first = enter(kind, 1, group="a")
    assert enter(ExaminationTypeFactory.create(), 1, group="a") != first


def test_a_reading_is_entered_once_and_corrected_by_the_same_origin() -> None:
    item = DatasetItemFactory.create()
    reading = Reading(origin_id="o", labeled_by="r", labels={"a": True, "b": False})
    assert add_labels(item, reading=reading) is True
    assert add_labels(item, reading=reading) is False
    corrected = Reading(origin_id="o", labeled_by="r", labels={"a": False})
    assert add_labels(item, reading=corrected) is True
    assert [(row.condition, row.present) for row in item.labels.current()] == [("a", False)]
    ended = item.labels.filter(superseded_because=Supersession.AMENDED)
    assert {(row.condition, row.present) for row in ended} == {("a", True), ("b", False)}


def test_the_database_holds_one_current_label_an_origin_and_a_reason_for_each_end() -> None:
    item = DatasetItemFactory.create()
    row = {"item": item, "condition": "a", "present": True, "labeled_by": "r", "origin_id": "o"}
    DatasetLabel.objects.create(**row)
    with pytest.raises(IntegrityError), transaction.atomic():
        DatasetLabel.objects.create(**row)
    with pytest.raises(IntegrityError), transaction.atomic():
        DatasetLabel.objects.update(superseded_because=Supersession.MERGED)

"""What readers are told about the next training."""

from datetime import timedelta

import pytest
from django.utils import timezone

from mlcore.engine.training.data import Fold
from mlcore.models import DatasetItem, ExaminationType, ItemState, TrainingRun, TrainingState
from mlcore.selectors.datasets import learning_status
from tests.factories import (
    DatasetItemFactory,
    DatasetLabelFactory,
    DatasetVersionFactory,
    ExaminationTypeFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def kind() -> ExaminationType:
    return ExaminationTypeFactory.create(trains_after=3)


def sign(kind: ExaminationType, *, days_ago: float = 0, **values: object) -> DatasetItem:
    said = {name: values.pop(name) for name in ("present", "labeled_by", "condition") if name in values}
    item: DatasetItem = DatasetItemFactory.create(examination_type=kind, **values)
    DatasetLabelFactory.create(item=item, labeled_at=timezone.now() - timedelta(days=days_ago), **said)
    return item


def train(kind: ExaminationType, *, state: TrainingState, days_ago: float) -> None:
    version = DatasetVersionFactory.create(
        examination_type=kind, created_at=timezone.now() - timedelta(days=days_ago)
    )
    TrainingRun.objects.create(
        examination_type=kind, dataset_version=version, architecture="tiny_cnn", state=state
    ) if state != TrainingState.FAILED else TrainingRun.objects.create(
        examination_type=kind,
        dataset_version=version,
        architecture="tiny_cnn",
        state=state,
        failure_code="x",
    )


def test_before_the_first_training_everything_is_new(kind: ExaminationType) -> None:
    sign(kind)
    sign(kind, labeled_by="import:x")
    status = learning_status(kind)
    assert (status.newly_signed, status.newly_imported, status.needed, status.missing) == (1, 1, 3, 2)
    assert status.trained_at is None


@pytest.mark.parametrize("state", [TrainingState.SUCCEEDED, TrainingState.FAILED, TrainingState.CANCELLED])
def test_only_what_was_signed_after_the_data_was_frozen_is_new(
    kind: ExaminationType, state: TrainingState
) -> None:
    sign(kind, days_ago=3)
    sign(kind, days_ago=1)
    both = sign(kind)
    DatasetLabelFactory.create(item=both, labeled_by="import:x")
    train(kind, state=state, days_ago=2)
    status = learning_status(kind)
    assert (status.newly_signed, status.newly_imported, status.missing) == (2, 0, 1)


def test_what_waits_or_is_excluded_is_not_counted_as_signed(kind: ExaminationType) -> None:
    for state in (ItemState.CONFLICTING, ItemState.NEAR_DUPLICATE, ItemState.EXCLUDED):
        sign(kind, state=state)
    status = learning_status(kind)
    assert (status.newly_signed, status.waiting) == (0, 2)
    assert status.items == {"conflicting": 1, "near_duplicate": 1, "excluded": 1}


def test_images_are_counted_by_fold_and_condition_once_however_many_readers_agree(
    kind: ExaminationType,
) -> None:
    DatasetLabelFactory.create(item=sign(kind))
    sign(kind, present=False)
    sign(kind, fold=Fold.TEST, condition="effusion")
    sign(ExaminationTypeFactory.create())
    assert learning_status(kind).counts == {
        "test": {"*": 1, "effusion": 1, "pneumonia": 0},
        "train": {"*": 2, "effusion": 0, "pneumonia": 1},
    }

from __future__ import annotations

import numpy as np

from mlcore.engine.training.data import Fold, divide, fold_of
from tests.mlcore.engine.toy import toy_pictures


def test_no_patient_stands_in_two_folds_and_no_picture_is_lost():
    pictures = toy_pictures(400)

    data = divide(pictures, key=b"key")

    folds = [set(part.groups) for part in (data.train, data.validation, data.test)]
    assert sum(len(fold) for fold in folds) == len(set.union(*folds)) == 200
    keys = (*data.train.keys, *data.validation.keys, *data.test.keys)
    assert sorted(keys) == sorted(pictures.keys)


def test_a_patients_fold_does_not_move_as_data_is_added():
    first, more = divide(toy_pictures(100), key=b"key"), divide(toy_pictures(300), key=b"key")

    assert set(first.test.groups) <= set(more.test.groups)
    assert set(first.validation.groups) <= set(more.validation.groups)


def test_folds_have_about_the_sizes_asked_for():
    folds = [fold_of(f"patient-{i}", key=b"key", validation=0.2, test=0.1) for i in range(5000)]

    assert abs(folds.count(Fold.VALIDATION) / 5000 - 0.2) < 0.02
    assert abs(folds.count(Fold.TEST) / 5000 - 0.1) < 0.02


def test_another_key_divides_otherwise():
    first = [fold_of(f"patient-{i}", key=b"one") for i in range(100)]
    second = [fold_of(f"patient-{i}", key=b"two") for i in range(100)]

    assert first != second


def test_the_digest_hangs_on_content_and_not_on_order():
    pictures = toy_pictures(20)
    turned = pictures.take(np.arange(20)[::-1])
    other = toy_pictures(20, seed=1)

    assert pictures.sha256() == turned.sha256() != other.sha256()

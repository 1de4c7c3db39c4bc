from __future__ import annotations

import numpy as np
import pytest

from mlcore.engine.explanation.faithfulness import (
    frame_energy,
    implant,
    insertion_minus_deletion,
    peak_is_inside,
    plant_lesion,
    rank_correlation,
)

SIZE = 64


def _blob(row: int, column: int) -> np.ndarray:
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.exp(-((y - row) ** 2 + (x - column) ** 2) / 50).astype(np.float32)


def test_a_planted_lesion_changes_the_picture_where_it_says_and_hardly_elsewhere():
    picture = np.full((SIZE, SIZE), 60, np.uint8)
    picture[:10] = 160

    lesion = plant_lesion(picture, rng=np.random.default_rng(1))

    change = lesion.picture.astype(float) - picture
    assert change.min() >= 0
    assert change[lesion.inside].mean() > 20
    assert change[~lesion.inside].mean() < 3
    assert 0.01 < lesion.inside.mean() < 0.05


def test_equal_seeds_plant_equal_lesions():
    picture = np.full((SIZE, SIZE), 60, np.uint8)
    first, second = (plant_lesion(picture, rng=np.random.default_rng(2)) for _ in range(2))

    np.testing.assert_array_equal(first.picture, second.picture)


def test_an_implant_is_of_the_sick_picture_within_and_of_the_healthy_one_outside():
    healthy, sick = np.full((SIZE, SIZE), 60, np.uint8), np.full((SIZE, SIZE), 180, np.uint8)

    for seed in range(20):
        mixed = implant(healthy, sick, rng=np.random.default_rng(seed))
        assert 0.06 < mixed.inside.mean() < 0.18
        assert mixed.picture[mixed.inside].min() >= 120
        assert np.median(mixed.picture[~mixed.inside]) == 60
    assert healthy.max() == 60


def test_an_empty_map_hits_nothing():
    everywhere = np.ones((SIZE, SIZE), np.bool_)

    assert peak_is_inside(_blob(3, 3), everywhere)
    assert not peak_is_inside(np.zeros((SIZE, SIZE), np.float32), everywhere)


def test_the_energy_of_the_frame_is_all_of_a_map_at_the_edge_and_none_of_one_in_the_middle():
    edge = np.zeros((SIZE, SIZE), np.float32)
    edge[0] = 1.0

    assert frame_energy(edge) == pytest.approx(1.0)
    assert frame_energy(_blob(32, 32)) < 0.01
    assert frame_energy(np.ones((100, 100), np.float32)) == pytest.approx(0.19)


def test_the_map_of_what_is_scored_gains_more_than_the_map_of_its_opposite():
    image = _blob(20, 40)[..., None]

    def score(shown: np.ndarray) -> float:
        return float((shown[..., 0] * _blob(20, 40)).sum())

    right = insertion_minus_deletion(score, image, _blob(20, 40))
    wrong = insertion_minus_deletion(score, image, -_blob(20, 40))

    assert right > 0 > wrong


def test_rank_correlation_is_one_for_a_map_and_itself_and_nothing_for_a_flat_one():
    assert rank_correlation(_blob(9, 9), 3 * _blob(9, 9)) == pytest.approx(1.0)
    assert rank_correlation(_blob(9, 9), np.ones((SIZE, SIZE), np.float32)) == 0.0

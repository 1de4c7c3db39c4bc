"""Calibration, distance, projection, saliency and quality, each on its own."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.engine.imaging.preprocess import Preprocessing
from mlcore.engine.inference.calibration import Calibration, fit_calibration
from mlcore.engine.inference.embedding import fit_projection
from mlcore.engine.inference.outliers import fit_distance
from mlcore.engine.inference.quality import QualityLimits, check_quality, measure_quality
from mlcore.engine.inference.saliency import saliency_map

RNG = np.random.default_rng(0)


def test_calibration_finds_the_slope_and_intercept_that_made_the_labels():
    logits = RNG.normal(0, 4, 20_000).astype(np.float32)
    true = Calibration(slope=0.5, intercept=-1.0)
    labels = (RNG.random(logits.size) < true.probabilities(logits)).astype(np.float32)

    fitted = fit_calibration(logits, labels)

    assert fitted.slope == pytest.approx(0.5, abs=0.03)
    assert fitted.intercept == pytest.approx(-1.0, abs=0.08)


def test_labels_that_are_not_known_do_not_move_the_calibration():
    logits = np.array([-2, -1, 1, 2, 50], np.float32)
    labels = np.array([0, 1, 0, 1, np.nan], np.float32)

    assert fit_calibration(logits, labels) == fit_calibration(logits[:4], labels[:4])


def test_calibration_to_another_prevalence_moves_the_odds_by_as_much():
    logits = RNG.normal(0, 4, 20_000).astype(np.float32)
    labels = (RNG.random(logits.size) < Calibration(slope=0.5, intercept=1.0).probabilities(logits)).astype(
        np.float32
    )
    share = float(labels.mean())

    even = fit_calibration(logits, labels, prevalence=0.5)

    assert even.slope == pytest.approx(0.5, abs=0.05)
    assert even.intercept == pytest.approx(1.0 - np.log(share / (1 - share)), abs=0.1)


def test_one_class_alone_calibrates_nothing():
    assert fit_calibration(np.zeros(3, np.float32), np.ones(3, np.float32)) == Calibration()


def test_a_probability_is_finite_however_sure_the_network_is():
    assert Calibration(slope=9.0).probability(1e6) == pytest.approx(1.0)
    assert Calibration(slope=9.0).probability(-1e6) == pytest.approx(0.0)


def test_images_of_the_kind_lie_near_one_and_others_far():
    mixing = RNG.normal(size=(4, 12))
    known = RNG.normal(size=(500, 4)) @ mixing + 0.01 * RNG.normal(size=(500, 12))
    other = RNG.normal(size=(50, 12))

    distance = fit_distance(known.astype(np.float32))

    assert np.median(distance.of(known.astype(np.float32))) == pytest.approx(1.0, abs=0.3)
    assert distance.of(other.astype(np.float32)).min() > 5.0


def test_features_that_never_vary_do_no_harm():
    known = np.concatenate([RNG.normal(size=(100, 3)), np.zeros((100, 3))], axis=1).astype(np.float32)

    assert np.isfinite(fit_distance(known).of(known)).all()


def test_projected_vectors_have_unit_length_and_keep_who_is_near_whom():
    centers = RNG.normal(size=(5, 40)) * 10
    features = (np.repeat(centers, 20, axis=0) + RNG.normal(size=(100, 40))).astype(np.float32)

    vectors = fit_projection(features, size=8).apply(features)

    assert vectors.shape == (100, 8)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    nearest = np.argsort(-(vectors @ vectors.T), axis=1)[:, 1]
    assert np.mean(nearest // 20 == np.arange(100) // 20) == 1.0


def test_a_map_is_upright_lies_inside_of_the_crop_and_stays_faint_when_it_is_faint():
    how = Preprocessing()
    contributions = np.zeros((6, 6), np.float32)
    contributions[1, 4] = 2.0

    strong = saliency_map(contributions, how=how, reference=2.0)
    faint = saliency_map(contributions / 20, how=how, reference=2.0)

    row, column = np.unravel_index(np.argmax(strong), strong.shape)
    assert strong.shape == (224, 224)
    assert row < 112 < column
    assert strong.max() == pytest.approx(1.0, abs=0.1)
    assert faint.max() < 0.1
    assert strong[:11].max() == strong[:, -11:].max() == 0.0


def test_a_map_that_is_nearly_the_same_everywhere_is_not_shown_as_if_it_pointed_somewhere():
    how, contributions = Preprocessing(), np.full((6, 6), 4.0, np.float32)
    contributions[1, 4] = 4.1
    before = contributions.copy()

    even = saliency_map(contributions, how=how, reference=4.0)
    contributions[1, 4] = 12.0
    pointed = saliency_map(contributions, how=how, reference=4.0)

    assert before[1, 4] == np.float32(4.1)
    assert even.max() < 0.2
    assert pointed.max() == pytest.approx(1.0)
    assert (pointed > 0.9).mean() < 0.02


def test_a_map_is_moved_to_where_its_network_looks():
    how, contributions = Preprocessing(), np.zeros((6, 6), np.float32)
    contributions[2, 3] = 1.0

    before = saliency_map(contributions, how=how, reference=1.0)
    after = saliency_map(contributions, how=how, reference=1.0, offset=(16.0, -8.0))

    scale = how.stored_size * (1 - 2 * how.crop) / how.input_size
    moved = _center(after) - _center(before)
    np.testing.assert_allclose(moved, [16.0 * scale, -8.0 * scale], atol=1.0)


def _center(shown: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: shown.shape[0], : shown.shape[1]]
    return np.array([(shown * y).sum(), (shown * x).sum()]) / shown.sum()


def test_what_speaks_against_a_condition_is_not_shown():
    assert saliency_map(np.full((6, 6), -3.0, np.float32), how=Preprocessing(), reference=1.0).max() == 0.0


def _gradient() -> np.ndarray:
    y, x = np.mgrid[:224, :224]
    return (0.5 + 0.3 * np.sin(x / 9) * np.cos(y / 7)).astype(np.float32)


def test_a_readable_picture_passes():
    assert check_quality(measure_quality(_gradient()), limits=QualityLimits()) is None


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda p: p * 0.05, "black"),
        (lambda p: 1 - p * 0.05, "white"),
        (lambda p: 0.5 + p * 0.05, "contrast"),
        (lambda p: p + np.random.default_rng(1).normal(0, 0.4, p.shape).astype(np.float32), "noise"),
        (lambda p: np.where(np.mgrid[:224, :224][0] < 60, p, 0).astype(np.float32), "single gray value"),
        (lambda p: np.mgrid[:224, :224][0].astype(np.float32) / 224, "blurred"),
    ],
)
def test_each_way_of_being_unreadable_is_named(spoil, word):
    withheld = check_quality(measure_quality(spoil(_gradient())), limits=QualityLimits())

    assert withheld is not None
    assert word in withheld.message

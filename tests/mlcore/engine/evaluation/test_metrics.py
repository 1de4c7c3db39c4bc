from __future__ import annotations

import math

import numpy as np
import pytest

from mlcore.engine.evaluation import metrics

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
SCORES = np.array([0.1, 0.2, 0.3, 0.8, 0.4, 0.7, 0.8, 0.9])


def test_auroc_is_the_part_of_pairs_in_the_right_order():
    pairs = [(n, p) for n in SCORES[:4] for p in SCORES[4:]]
    expected = np.mean([1.0 if p > n else 0.5 if p == n else 0.0 for n, p in pairs])

    assert metrics.auroc(LABELS, SCORES) == pytest.approx(expected)


def test_auroc_of_one_class_is_not_a_number():
    assert math.isnan(metrics.auroc(np.zeros(4), np.arange(4)))


def test_unknown_labels_are_left_out_of_the_mean_auroc():
    labels = np.array([[0, 1], [1, np.nan], [np.nan, 0], [1, 1]], float)
    scores = np.array([[0.1, 0.9], [0.8, 0.0], [0.99, 0.2], [0.7, 0.6]])

    assert metrics.mean_auroc(labels, scores) == 1.0


def test_sensitivity_and_specificity_count_their_own_class_only():
    suggested = SCORES >= 0.5

    assert metrics.sensitivity(LABELS, suggested).value == 0.75
    assert metrics.specificity(LABELS, suggested).value == 0.75
    assert metrics.accuracy(LABELS, suggested).value == 0.75


def test_wilsons_interval_is_that_of_the_textbook():
    """Newcombe 1998, table I: 81 of 263."""
    estimate = metrics.wilson(81, 263)

    assert estimate.low == pytest.approx(0.2553, abs=1e-4)
    assert estimate.high == pytest.approx(0.3662, abs=1e-4)


def test_wilsons_interval_stays_inside_of_zero_and_one():
    assert metrics.wilson(10, 10).high == 1.0
    assert metrics.wilson(0, 10).low == 0.0
    assert math.isnan(metrics.wilson(0, 0).value)


def test_calibration_error_is_nothing_when_probabilities_come_true():
    probabilities = np.repeat([0.25, 0.75], 400)
    labels = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 != 0])

    assert metrics.ece(labels, probabilities) == pytest.approx(0.0, abs=1e-12)
    assert metrics.ece(labels, np.ones(800)) == pytest.approx(0.5)


def test_brier_score_is_the_mean_squared_difference():
    expected = float(np.mean((SCORES - LABELS) ** 2))

    assert metrics.brier_score(LABELS, SCORES) == pytest.approx(expected)


def test_precision_at_k_counts_neighbors_of_the_same_label_and_skips_gaps():
    neighbors = np.array([[1, 4], [0, -1]])

    assert metrics.precision_at_k(
        np.array([0, 0, 9, 9, 1])[:5], np.vstack([neighbors, -np.ones((3, 2), int)])
    ) == (pytest.approx(2 / 3))


def test_the_bootstrap_interval_holds_the_figure_and_can_be_repeated():
    labels = np.tile(LABELS, 20)
    scores = np.random.default_rng(0).normal(size=labels.size) + labels

    first = metrics.bootstrap(labels, scores, measure=metrics.auroc, rounds=200)
    again = metrics.bootstrap(labels, scores, measure=metrics.auroc, rounds=200)

    assert first == again
    assert first.low < first.value < first.high


def test_drawing_patients_gives_a_wider_interval_than_drawing_their_images():
    rng = np.random.default_rng(1)
    labels = np.repeat(rng.integers(0, 2, 30), 10)
    scores = np.repeat(rng.normal(size=30), 10) + labels
    patients = np.repeat(np.arange(30), 10)

    images = metrics.bootstrap(labels, scores, measure=metrics.auroc, rounds=300)
    grouped = metrics.bootstrap(labels, scores, measure=metrics.auroc, groups=patients, rounds=300)

    assert grouped.high - grouped.low > images.high - images.low

"""What the model is unsure of and has not seen the like of comes first."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlcore.engine.inference.label_order import entropy, label_order

NOTHING = np.zeros((0, 2), np.float32)


def directions(*degrees: float) -> np.ndarray:
    turned = np.radians(np.array(degrees))
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def test_the_entropy_is_greatest_at_one_half_and_adds_up_over_conditions():
    found = entropy(np.array([[0.5, 0.0], [0.9, 0.0], [0.5, 0.5], [1.0, 0.0]], np.float32))

    assert found[0] == pytest.approx(math.log(2), abs=1e-4)
    assert found[2] == pytest.approx(2 * math.log(2), abs=1e-4)
    assert found[0] > found[1] > found[3] >= 0


def test_of_unlike_images_the_most_uncertain_comes_first():
    order = label_order(np.array([0.1, 0.6, 0.3], np.float32), directions(0, 120, 240), labeled=NOTHING)

    assert order.tolist() == [1, 2, 0]


def test_a_copy_of_what_was_chosen_or_labeled_waits_until_the_others_had_their_turn():
    doubt = np.array([0.60, 0.59, 0.40, 0.50], np.float32)
    order = label_order(doubt, directions(0, 0, 180, 90), labeled=directions(90))

    assert order.tolist() == [0, 2, 1, 3]


def test_every_image_has_one_place_and_ties_keep_the_order_given():
    alike = label_order(np.zeros(4, np.float32), directions(0, 0, 0, 0), labeled=NOTHING)

    assert alike.tolist() == [0, 1, 2, 3]
    assert label_order(np.zeros(0, np.float32), NOTHING, labeled=directions(1)).tolist() == []

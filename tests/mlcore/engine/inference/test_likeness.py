"""A linear score names what lies among the examples, and states how often it would be wrong."""

import numpy as np
import pytest

from mlcore.engine.inference import likeness as module
from mlcore.engine.inference.likeness import fit_likeness

WIDTH = 12


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def cloud(rng, count, *, at=0.0, width=WIDTH):
    """Return points around `at` along the first axis."""
    points = rng.normal(size=(count, width)).astype(np.float32)
    points[:, 0] += at
    return points


def fit(examples, others, *, groups=None):
    features = np.concatenate([examples, others])
    is_example = np.arange(len(features)) < len(examples)
    groups = groups or list(map(str, range(len(features))))
    return fit_likeness(features, is_example=is_example, groups=groups)


def named(images, rule):
    return float(np.mean([rule.names(image) for image in images]))


def test_ten_examples_find_most_of_their_kind_beside_many_others(rng):
    rule = fit(cloud(rng, 10, at=6), cloud(rng, 300))
    assert named(cloud(rng, 100, at=6), rule) > 0.8
    assert named(cloud(rng, 200), rule) < 0.05


def test_of_the_others_at_most_two_in_a_hundred_would_be_named(rng):
    for distance in (3.0, 6.0):
        found = fit(cloud(rng, 40, at=distance), cloud(rng, 250))
        assert (found.others, found.examples) == (250, 40)
        assert found.others_named <= 0.02 * 250


def test_examples_that_are_like_the_others_name_nothing(rng):
    examples, others = cloud(rng, 20), cloud(rng, 200)
    assert fit(examples, others) is None


def test_an_image_of_another_kind_is_not_named_however_high_its_score(rng):
    examples = cloud(rng, 20, at=6)
    rule = fit(examples, cloud(rng, 200))
    assert rule.names(examples.mean(axis=0))
    assert not rule.names(cloud(rng, 1, at=60)[0])


@pytest.mark.parametrize("sides", [(4, 50), (50, 4), (10, 0)])
def test_too_few_on_a_side_say_nothing(rng, sides):
    examples, others = cloud(rng, sides[0], at=6), cloud(rng, sides[1])
    assert fit(examples, others) is None


def test_twenty_images_of_one_patient_are_no_twenty_examples(rng):
    patient = np.zeros((1, WIDTH), np.float32)
    patient[0, 1] = 30
    examples = cloud(rng, 20) * 0.01 + patient
    others = cloud(rng, 100)
    apart = list(map(str, range(120)))
    together = ["one"] * 20 + apart[20:]
    assert fit(examples, others, groups=apart) is not None
    assert fit(examples, others, groups=together) is None


def test_what_is_left_out_in_closed_form_is_what_a_second_fit_says(rng):
    features = np.concatenate([cloud(rng, 15, at=2), cloud(rng, 60)]).astype(np.float64)
    is_example = np.arange(75) < 15
    patients = np.concatenate([[0, 0, 0], np.arange(1, 73)])
    _, left_out = module._scores(features, is_example=is_example, patients=patients)
    target = np.where(is_example, 1.0, -1.0)
    weights = np.where(is_example, 0.5 / 15, 0.5 / 60)
    inputs = np.column_stack([features, np.ones(75)])
    spread = np.trace((inputs.T @ (inputs * weights[:, None]))[:-1, :-1]) / WIDTH
    penalty = np.diag([module.SHRINKAGE * spread] * WIDTH + [1e-9])
    for patient in (0, 5, 40):
        kept = patients != patient
        weighted = inputs[kept] * weights[kept, None]
        again = np.linalg.solve(inputs[kept].T @ weighted + penalty, weighted.T @ target[kept])
        assert np.allclose(left_out[~kept], inputs[~kept] @ again)

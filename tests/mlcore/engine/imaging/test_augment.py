from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlcore.engine.imaging.augment import Augmentation, augmented_input
from mlcore.engine.imaging.preprocess import Preprocessing, network_input

HOW = Preprocessing()
STILL = Augmentation(
    zoom=0,
    aspect=0,
    rotation=0,
    shift=0,
    flip=0,
    tone=0,
    gamma=0,
    blur=0,
    coarse=0,
    noise=0,
    jpeg=0,
    patches=0,
)


def _picture() -> np.ndarray:
    y, x = np.mgrid[:224, :224]
    return (127 + 60 * np.sin(x / 17) + 60 * np.cos(y / 23)).astype(np.uint8)


def _changed(strength: Augmentation, *, seed: int = 0) -> np.ndarray:
    return augmented_input(_picture(), rng=np.random.default_rng(seed), how=HOW, strength=strength)


def test_the_same_seed_gives_the_same_picture_and_another_another():
    strong = Augmentation()

    np.testing.assert_array_equal(_changed(strong), _changed(strong))
    assert np.abs(_changed(strong) - _changed(strong, seed=1)).mean() > 0.01


def test_without_strength_the_network_sees_what_it_sees_when_it_is_used():
    used = network_input(_picture().astype(np.float32) / 255.0, how=HOW)

    assert np.abs(_changed(STILL) - used).mean() < 0.01


def test_flipping_mirrors_left_and_right():
    straight, flipped = _changed(STILL)[..., 0], _changed(replace(STILL, flip=1.0))[..., 0]

    assert np.abs(flipped[:, ::-1] - straight).mean() < 0.01


def test_every_strength_changes_the_picture_and_keeps_the_range():
    plain = _changed(STILL)
    for name in (
        "zoom",
        "aspect",
        "rotation",
        "shift",
        "tone",
        "gamma",
        "blur",
        "coarse",
        "noise",
        "jpeg",
        "patches",
    ):
        changed = _changed(replace(STILL, **{name: 20.0 if name == "rotation" else 0.9}), seed=3)

        assert np.abs(changed - plain).max() > 0.01, name
        assert changed.shape == (192, 192, 1)
        assert np.abs(changed).max() <= 1.0


def test_the_picture_that_was_given_is_not_written_to():
    picture = _picture()

    augmented_input(picture, rng=np.random.default_rng(0), how=HOW, strength=Augmentation(patches=1.0))

    np.testing.assert_array_equal(picture, _picture())

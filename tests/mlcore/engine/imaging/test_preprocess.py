from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mlcore.engine.imaging.preprocess import (
    Preprocessing,
    crop_center,
    edge_mask,
    network_input,
    squash,
    stored_picture,
    stretch,
)

HOW = Preprocessing()


def _picture(shape: tuple[int, ...], *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape).astype(np.float32)


def test_any_shape_is_squashed_to_the_stored_square():
    for shape in ((1000, 1300), (64, 64), (224, 224), (3000, 100), (700, 500, 3)):
        assert stored_picture(_picture(shape), how=HOW).shape == (224, 224)


def test_squashing_keeps_the_mean_and_the_place_of_things():
    pixels = np.zeros((448, 896), np.float32)
    pixels[:224, :448] = 1.0

    small = squash(pixels, size=224, jpeg_quality=75)

    assert small.mean() == pytest.approx(0.25, abs=5e-3)
    assert small[:108, :108].min() > 0.95
    assert small[116:].max() < 0.05


@pytest.mark.data
def test_a_full_resolution_upload_becomes_the_stored_training_image_to_the_last_bit(data_dir):
    uploads = sorted((data_dir / "upload_samples_fullres").rglob("*.jpeg"))
    assert uploads
    for path in uploads:
        with Image.open(path) as upload:
            full = np.asarray(upload.convert("L"), np.float32) / 255.0
        with Image.open(data_dir / "cxr_kermany/train" / path.parent.name / path.name) as small:
            stored = np.asarray(small.convert("L"))

        np.testing.assert_array_equal(np.rint(stored_picture(full, how=HOW) * 255), stored)


def test_brightness_and_contrast_do_not_change_what_the_network_sees():
    stored = _picture((224, 224))

    changed = network_input(stored * 0.5 + 0.2, how=HOW)

    np.testing.assert_allclose(changed, network_input(stored, how=HOW), atol=1e-4)


def test_the_border_of_the_image_does_not_reach_the_network():
    stored = _picture((224, 224))
    marked = stored.copy()
    marked[:10], marked[-10:], marked[:, :10], marked[:, -10:] = 1.0, 0.0, 1.0, 0.0

    np.testing.assert_array_equal(network_input(marked, how=HOW), network_input(stored, how=HOW))


def test_the_outermost_pixels_of_the_input_are_the_same_for_every_image():
    first, second = (network_input(_picture((224, 224), seed=s), how=HOW)[..., 0] for s in (1, 2))
    border = np.ones((192, 192), bool)
    border[3:-3, 3:-3] = False

    np.testing.assert_array_equal(first[border], second[border])


def test_a_flat_picture_becomes_gray_and_no_error():
    assert np.all(stretch(np.full((8, 8), 0.3, np.float32), low=0.01, high=0.99) == 0.5)
    assert np.isfinite(network_input(np.zeros((224, 224), np.float32), how=HOW)).all()


def test_the_input_lies_in_the_range_of_the_pretrained_weights():
    seen = network_input(_picture((224, 224)), how=HOW)

    assert seen.shape == (192, 192, 1)
    assert seen.min() >= -1.0
    assert seen.max() <= 1.0


def test_nothing_writes_to_the_image_it_was_given():
    pixels = _picture((300, 200))
    before = pixels.copy()

    network_input(stored_picture(pixels, how=HOW), how=HOW)
    crop_center(squash(pixels, size=224, jpeg_quality=75), crop=0.1, size=64)

    np.testing.assert_array_equal(pixels, before)


def test_the_mask_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        edge_mask(size=16, blank=1, ramp=2)[0, 0] = 1.0

from __future__ import annotations

import numpy as np

from mlcore.engine.imaging.opacities import plant_opacities


def _lungs() -> np.ndarray:
    picture = np.full((224, 224), 170, np.uint8)
    picture[50:160, 35:95] = picture[50:160, 130:190] = 60
    return picture


def test_opacities_make_lungs_whiter_and_leave_the_rest():
    lungs = _lungs()

    planted = [plant_opacities(lungs, rng=np.random.default_rng(seed)) for seed in range(20)]

    for picture in planted:
        whiter = picture.astype(int) - lungs
        assert whiter.min() >= -1
        assert whiter.max() > 20
        assert np.abs(whiter[:15]).max() <= 1


def test_the_picture_given_is_not_changed_and_a_seed_repeats():
    lungs = _lungs()

    first, second = (plant_opacities(lungs, rng=np.random.default_rng(3)) for _ in range(2))

    np.testing.assert_array_equal(lungs, _lungs())
    np.testing.assert_array_equal(first, second)

"""The maps are drawn where the network looks."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.engine.imaging.augment import Augmentation
from mlcore.engine.training.alignment import measure_offset
from tests.mlcore.engine.toy import toy_data, toy_plan


class AsideNetwork:
    """Averages places of 8 x 8 pixels that lie `offset` pixels from where they are in the grid."""

    def __init__(self, offset: tuple[int, int]) -> None:
        self.offset = offset

    def run(self, image):
        moved = np.roll(image[..., 0], (-self.offset[0], -self.offset[1]), axis=(0, 1))
        return {"maps": moved.reshape(4, 8, 4, 8).mean(axis=(1, 3))[..., None]}

    def run_each(self, images):
        return {"maps": np.stack([self.run(image)["maps"] for image in images])}


@pytest.mark.parametrize("offset", [(0, 0), (3, 0), (2, -3)])
def test_the_offset_of_a_network_that_looks_aside_is_found(offset):
    plan = toy_plan(augmentation=Augmentation(flip=0.0))

    found = measure_offset(AsideNetwork(offset), toy_data().validation.pictures, plan=plan)

    assert found == pytest.approx(offset, abs=1.0)


def test_a_network_trained_on_mirrored_pictures_looks_to_neither_side():
    found = measure_offset(AsideNetwork((3, 3)), toy_data().validation.pictures, plan=toy_plan())

    assert found == (pytest.approx(3.0, abs=1.0), 0.0)


def test_a_network_that_sees_nothing_has_no_offset():
    class Blind(AsideNetwork):
        def run(self, image):
            return {"maps": np.zeros((4, 4, 1), np.float32)}

    assert measure_offset(Blind((0, 0)), toy_data().validation.pictures, plan=toy_plan()) == (0.0, 0.0)

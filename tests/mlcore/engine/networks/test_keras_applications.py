from __future__ import annotations

import numpy as np
import pytest

from mlcore.engine.networks.keras_applications import FAMILIES, load_imagenet, weights_file
from mlcore.engine.networks.registry import find_network

SIZE = 75


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path / "models"


def _fill_cache(name: str, folder) -> object:
    """Put a color network's random weights where Keras would have put those of ImageNet."""
    import h5py
    import keras
    from keras.src.legacy.saving import legacy_h5_format

    keras.utils.set_random_seed(3)
    make = getattr(keras.applications, FAMILIES[name].application)
    color = make(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    folder.mkdir()
    with h5py.File(weights_file(FAMILIES[name]), "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, color)
    return color


def test_without_a_cache_a_run_starts_from_scratch_and_says_so(cache):
    assert find_network("vgg16").initial_weights(pretrained=True) == "scratch"
    assert find_network("inception_v3").initial_weights(pretrained=True) == "scratch"


def test_what_is_not_to_start_from_imagenet_does_not(cache):
    assert find_network("efficientnet_lite0").initial_weights(pretrained=True) == "imagenet"
    assert find_network("efficientnet_lite0").initial_weights(pretrained=False) == "scratch"


# Keras' own reader and writer of its old weight files, with NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
@pytest.mark.parametrize(("name", "mode", "near"), [("vgg16", "caffe", 0.02), ("inception_v3", "tf", 0.02)])
def test_a_gray_network_answers_like_the_color_one_whose_weights_it_loaded(name, mode, near, cache):
    from keras.src.applications.imagenet_utils import preprocess_input

    color = _fill_cache(name, cache)
    network = find_network(name)
    model = network.build(input_size=SIZE, class_count=1, dropout=0.0)
    gray = np.random.default_rng(0).uniform(0, 255, (1, SIZE, SIZE, 1)).astype(np.float32)

    assert network.initial_weights(pretrained=True) == "imagenet"
    load_imagenet(model, None, family=FAMILIES[name])
    ours = np.asarray(model((gray - 127.0) / 128.0)["embedding"])
    theirs = np.asarray(color(preprocess_input(np.repeat(gray, 3, axis=3), mode=mode))).mean(axis=(1, 2))

    assert np.corrcoef(ours[0], theirs[0])[0, 1] > 0.999
    assert np.abs(ours - theirs).mean() < near * np.abs(theirs).mean()

from __future__ import annotations

import numpy as np
import pytest

from mlcore.engine.artifacts import file_sha256, load_artifact
from mlcore.engine.explanation.explainer import Explainer, load_explainer
from mlcore.engine.explanation.faithfulness import (
    dummy_maps,
    insertion_minus_deletion,
    peak_is_inside,
    rank_correlation,
)
from mlcore.engine.explanation.gradients import (
    blurred,
    grad_cam_plus_plus,
    integrated_gradients,
)
from mlcore.engine.explanation.layers import layer_attribution
from mlcore.engine.explanation.methods import Method, NothingToExplain, methods_for
from mlcore.engine.explanation.occlusion import covers, occlusion
from mlcore.engine.explanation.sanity import GraphNetwork, contributions_of, randomized, to_input_frame
from mlcore.engine.imaging.preprocess import network_input
from mlcore.engine.inference.loader import keras_model_from
from mlcore.engine.networks.registry import find_network
from tests.mlcore.engine.toy import SIZE, as_decoded

DISKS = 12
OFFERED = methods_for(find_network("tiny_cnn"))


@pytest.fixture(scope="module")
def explainer(toy_model) -> Explainer:
    path, _, _ = toy_model
    return load_explainer(path, expected_sha256=file_sha256(path))


@pytest.fixture(scope="module")
def graph(toy_model):
    path, _, _ = toy_model
    return keras_model_from(load_artifact(path, expected_sha256=file_sha256(path)))


def _disk(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A toy picture with a disk at a known place, and where the disk is."""
    rng = np.random.default_rng(seed)
    picture = np.linspace(40, 140, SIZE)[:, None] + rng.normal(0, 8, (SIZE, SIZE))
    row, column = rng.integers(20, 44, 2)
    y, x = np.ogrid[:SIZE, :SIZE]
    inside = (y - row) ** 2 + (x - column) ** 2 < 64
    picture[inside] += 90
    return np.clip(picture, 0, 255).astype(np.uint8), inside


def _input(explainer: Explainer, seed: int) -> np.ndarray:
    picture, _ = _disk(seed)
    return network_input(picture / np.float32(255), how=explainer.predictor.preprocessing)


def _answered(explainer: Explainer) -> list[tuple[np.ndarray, np.ndarray]]:
    disks = [_disk(seed) for seed in range(DISKS)]
    return [d for d in disks if explainer.predictor.predict(as_decoded(d[0])).withheld is None]


@pytest.fixture(scope="module")
def spotter():
    """A network made by hand: its logit is how much of the picture is brighter than most of it."""
    model = find_network("tiny_cnn").build(input_size=SIZE, class_count=1, dropout=0.0)
    for layer, bias in (("conv_0", -0.35), ("conv_1", 0.0), ("conv_2", 0.0)):
        kernel, _ = (np.zeros_like(w) for w in model.get_layer(layer).get_weights())
        kernel[:, :, 0, 0] = 1 / 9
        model.get_layer(layer).set_weights([kernel, np.full(kernel.shape[-1], bias, np.float32)])
    kernel, head_bias = (np.zeros_like(w) for w in model.get_layer("maps").get_weights())
    kernel[0, 0, 0, 0] = 100.0
    model.get_layer("maps").set_weights([kernel, head_bias])
    return model


def _spot(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A network input with one bright disk, and where the disk is."""
    picture, inside = _disk(seed)
    return (picture[..., None] / np.float32(127.5) - 1.0), inside


@pytest.mark.parametrize("method", OFFERED)
def test_every_method_points_at_what_the_network_looks_at(spotter, method):
    hits = []
    for seed in range(8):
        image, inside = _spot(seed)
        found = to_input_frame(contributions_of(spotter, image, method=method, index=0), size=SIZE)
        y, x = np.mgrid[:SIZE, :SIZE]
        center = np.argwhere(inside).mean(axis=0)
        hits.append(peak_is_inside(found, np.hypot(y - center[0], x - center[1]) <= 12))

    assert np.mean(hits) == 1.0


def test_a_map_on_request_lies_in_the_frame_of_the_image_as_given(explainer):
    hits = []
    for picture, inside in _answered(explainer):
        explained = explainer.explain(
            as_decoded(picture), condition="disk", method=Method.INTEGRATED_GRADIENTS
        )
        y, x = np.mgrid[:SIZE, :SIZE]
        center = np.argwhere(inside).mean(axis=0)
        hits.append(peak_is_inside(explained.saliency_map, np.hypot(y - center[0], x - center[1]) <= 12))

    assert len(hits) >= 3
    assert np.mean(hits) >= 0.7


def test_integrated_gradients_add_up_to_the_difference_of_the_logits(explainer, graph):
    image = _input(explainer, 3)
    start = blurred(image)

    attributions = integrated_gradients(graph, image, index=0, steps=64)

    logits = np.asarray(graph(np.stack([image, start]))["logits"])[:, 0]
    assert attributions.sum() == pytest.approx(float(logits[0] - logits[1]), rel=0.05, abs=0.05)


def test_grad_cam_plus_plus_is_never_negative_and_has_the_shape_of_the_last_features(explainer, graph):
    found = grad_cam_plus_plus(graph, _input(explainer, 3), index=0)

    assert found.shape == graph.output["maps"].shape[1:3]
    assert found.min() >= 0.0
    assert found.max() > 0.0


def test_covering_the_disk_lowers_the_logit_most(explainer):
    picture, inside = _disk(5)
    image = network_input(picture / np.float32(255), how=explainer.predictor.preprocessing)

    falls = occlusion(explainer.predictor.network, image, index=0, places=8)

    assert falls.shape == image.shape[:2]
    row, column = np.unravel_index(falls.argmax(), falls.shape)
    center = np.argwhere(inside).mean(axis=0) * image.shape[0] / SIZE
    assert np.hypot(row - center[0], column - center[1]) < 8


def test_covers_leave_no_place_of_the_picture_unseen():
    assert np.sum(covers(48, places=8, radius=0.09), axis=0).min() > 0.3


@pytest.mark.parametrize("method", OFFERED)
def test_a_network_with_shuffled_weights_is_explained_otherwise(spotter, method):
    other = randomized(spotter, seed=1)
    same = []
    for seed in range(3):
        maps = [contributions_of(model, _spot(seed)[0], method=method, index=0) for model in (spotter, other)]
        same.append(abs(rank_correlation(*maps)))

    assert np.mean(same) < 0.6


@pytest.mark.parametrize("method", OFFERED)
def test_what_a_map_calls_important_matters_more_than_what_dummies_do(spotter, method):
    network = GraphNetwork(spotter)
    gained: dict[str, list[float]] = {}
    for seed in range(3):
        image, _ = _spot(seed)
        maps = dummy_maps(image, rng=np.random.default_rng(seed))
        maps["own"] = to_input_frame(contributions_of(spotter, image, method=method, index=0), size=SIZE)
        for name, saliency in maps.items():
            gain = insertion_minus_deletion(lambda x: float(network.run(x)["logits"][0]), image, saliency)
            gained.setdefault(name, []).append(gain)

    means = {name: np.mean(values) for name, values in gained.items()}
    assert means.pop("own") > max(means.values())


def test_a_condition_that_the_model_does_not_know_is_refused(explainer):
    picture, _ = _answered(explainer)[0]

    with pytest.raises(NothingToExplain, match="no score"):
        explainer.explain(as_decoded(picture), condition="other", method=Method.OCCLUSION)


def test_a_withheld_answer_is_not_explained(explainer):
    black = np.zeros((SIZE, SIZE), np.uint8)

    with pytest.raises(NothingToExplain):
        explainer.explain(as_decoded(black), condition="disk", method=Method.INTEGRATED_GRADIENTS)


@pytest.fixture(scope="module")
def deep():
    """Return a network of the shipped architecture at toy size, with weights of chance."""
    import keras

    keras.utils.set_random_seed(4)
    network = find_network("efficientnet_lite0")
    model = network.build(input_size=128, class_count=2, dropout=0.0)
    rng = np.random.default_rng(4)
    head = model.get_layer("maps")
    head.set_weights([rng.standard_normal(w.shape).astype(np.float32) for w in head.get_weights()])
    return model, network.attributed_layers


def test_attribution_by_layers_is_where_the_picture_is_and_hangs_on_the_condition(deep):
    model, layers = deep
    image = np.zeros((128, 128, 1), np.float32)
    image[16:48, 80:112] = np.random.default_rng(1).uniform(-1, 1, (32, 32, 1))
    before = image.copy()

    first, second = (layer_attribution(model, image, index=index, layers=layers) for index in (0, 1))

    np.testing.assert_array_equal(image, before)
    assert first.shape == (128, 128)
    assert first.min() >= 0.0
    assert first[:64, 64:].sum() > 2 * first[64:, :64].sum()
    assert not np.allclose(first, second, rtol=1e-3)
    again = layer_attribution(model, image, index=0, layers=layers)
    np.testing.assert_array_equal(first, again)


def test_what_speaks_against_a_condition_is_no_part_of_what_speaks_for_it(deep):
    model, layers = deep
    image = np.random.default_rng(2).uniform(-1, 1, (128, 128, 1)).astype(np.float32)
    first, against = (
        layer_attribution(model, image, index=0, layers=layers, sign=sign) for sign in (1.0, -1.0)
    )
    assert against.min() >= 0.0
    assert rank_correlation(first, against) < 0.5
    head = model.get_layer("maps")
    before = head.get_weights()
    head.set_weights([-weights for weights in before])
    turned = layer_attribution(model, image, index=0, layers=layers)
    head.set_weights(before)
    np.testing.assert_allclose(turned, against, rtol=1e-4, atol=1e-5 * float(against.max()))

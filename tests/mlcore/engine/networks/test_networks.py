from __future__ import annotations

import numpy as np
import pytest

from mlcore.engine.inference.runtime import CompiledNetwork
from mlcore.engine.networks import efficientnet_lite
from mlcore.engine.networks.compiled import compile_network, remaining_weights, restore_weights, round_weights
from mlcore.engine.networks.registry import UnknownArchitecture, architectures, find_network

SIZE = 64
GRAPHS = [name for name in architectures() if find_network(name).is_graph]
POOLED = [name for name in GRAPHS if find_network(name).pooled_head]
SHIPPED = ["efficientnet_lite0", "tiny_cnn"]
"""The others are compiled and restored by the contract of all architectures."""


def _random_head(model) -> None:
    rng = np.random.default_rng(0)
    kernel, bias = model.get_layer("maps").get_weights()
    model.get_layer("maps").set_weights([rng.normal(0, 0.1, kernel.shape), rng.normal(0, 0.1, bias.shape)])


def _inputs(count: int, *, size: int = SIZE) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, size, size, 1)).astype(np.float32)


def _build(name: str, *, class_count: int = 1):
    network = find_network(name)
    size = max(SIZE, network.least_input_size)
    return network.build(input_size=size, class_count=class_count, dropout=0.2)


def test_the_shipped_architectures_can_be_chosen():
    assert set(SHIPPED) <= set(architectures())


def test_the_systems_of_the_paper_and_its_survey_can_be_chosen():
    named = {"svm_orb", "vgg16", "inception_v3", "capsule", "alexnet", "googlenet", "resnet18"}

    assert named <= set(architectures())


def test_an_unknown_architecture_is_refused_with_what_to_do():
    with pytest.raises(UnknownArchitecture) as refused:
        find_network("no_such_network")

    assert "Choose one" in str(refused.value)


@pytest.mark.parametrize("name", GRAPHS)
def test_one_pass_gives_logits_maps_embedding_and_layers_in_a_flat_graph(name):
    import keras

    model = _build(name, class_count=3)
    if name in POOLED:
        _random_head(model)

    outputs = {key: np.asarray(value) for key, value in model(_inputs(2, size=model.input_shape[1])).items()}

    assert not any(isinstance(layer, keras.Model) for layer in model.layers)

    assert outputs["logits"].shape == (2, 3)
    assert outputs["maps"].shape[0] == 2
    assert outputs["maps"].shape[-1] == 3
    assert outputs["embedding"].ndim == outputs["layers"].ndim == 2
    np.testing.assert_allclose(outputs["maps"].mean(axis=(1, 2)), outputs["logits"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_logit_is_the_head_on_the_embedding(name):
    model = _build(name)
    _random_head(model)
    kernel, bias = model.get_layer("maps").get_weights()

    outputs = model(_inputs(2))

    expected = np.asarray(outputs["embedding"]) @ kernel[0, 0] + bias
    np.testing.assert_allclose(np.asarray(outputs["logits"]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_compiled_network_answers_like_the_graph_and_gives_it_back(name):
    network = find_network(name)
    model = network.build(input_size=SIZE, class_count=1, dropout=0.2)
    if network.initialize is not None:
        network.initialize(model, _inputs(32))
    _random_head(model)
    round_weights(model)
    image = _inputs(1)

    compiled = compile_network(model)
    answers = CompiledNetwork(compiled).run(image[0])
    stored, found = remaining_weights(model, compiled)
    again = network.build(input_size=SIZE, class_count=1, dropout=0.2)
    restore_weights(again, compiled=compiled, stored=stored, found=found)

    for key, value in model(image, training=False).items():
        np.testing.assert_allclose(answers[key], np.asarray(value)[0], rtol=1e-4, atol=1e-4)
    for first, second in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_folding_the_normalization_changes_no_output():
    normalized = efficientnet_lite.build_efficientnet_lite0(
        input_size=SIZE, class_count=1, dropout=0.0, batch_norm=True
    )
    efficientnet_lite.load_imagenet(normalized)
    folded = efficientnet_lite.build_efficientnet_lite0(input_size=SIZE, class_count=1, dropout=0.0)

    efficientnet_lite.fold(normalized, folded)

    first, second = normalized(_inputs(2)), folded(_inputs(2))
    for key in ("embedding", "layers"):
        np.testing.assert_allclose(np.asarray(first[key]), np.asarray(second[key]), atol=1e-3)

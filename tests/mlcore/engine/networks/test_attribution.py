"""A compiled network attributes like the gradients of its Keras graph, whatever its head."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.engine.explanation.layers import layer_attribution
from mlcore.engine.inference.attribution import Attribution
from mlcore.engine.inference.runtime import CompiledNetwork
from mlcore.engine.networks.compiled import compile_network, round_weights
from mlcore.engine.networks.exchange_head import Head, exchange_head, read_head
from mlcore.engine.networks.registry import find_network

LAYERS = find_network("efficientnet_lite0").attributed_layers


@pytest.fixture(scope="module", params=[96, 75], ids=["even", "odd"])
def graph(request):
    """Return the shipped architecture at a toy size, with weights of chance."""
    import keras

    keras.utils.set_random_seed(4)
    model = find_network("efficientnet_lite0").build(input_size=request.param, class_count=2, dropout=0.0)
    head = model.get_layer("maps")
    rng = np.random.default_rng(4)
    head.set_weights([rng.standard_normal(w.shape).astype(np.float32) for w in head.get_weights()])
    round_weights(model)
    return model


@pytest.fixture(scope="module")
def compiled(graph) -> bytes:
    return compile_network(graph, attributed=LAYERS)


@pytest.fixture(scope="module")
def image(graph):
    size = graph.input_shape[1]
    return np.random.default_rng(1).uniform(-1, 1, (size, size, 1)).astype(np.float32)


def attribution(compiled: bytes) -> Attribution:
    kernel = read_head(compiled).kernel
    return Attribution(CompiledNetwork(compiled), {"first": kernel[:, 0], "second": kernel[:, 1]})


def test_it_says_what_the_gradients_of_the_graph_say(graph, compiled, image):
    found = attribution(compiled)
    for index, condition in enumerate(("first", "second")):
        expected = layer_attribution(graph, image, index=index, layers=LAYERS)
        np.testing.assert_allclose(
            found.of(image, condition=condition), expected, rtol=0.02, atol=0.01 * expected.max()
        )
    assert not np.allclose(found.of(image, condition="first"), found.of(image, condition="second"), rtol=0.01)


def test_answers_are_the_same_to_the_last_bit_with_and_without_attribution(graph, compiled, image):
    without = CompiledNetwork(compile_network(graph))
    assert not without.attributes
    outputs = CompiledNetwork(compiled).run(image)
    for name, expected in without.run(image).items():
        np.testing.assert_array_equal(outputs[name], expected)


def test_an_exchanged_head_is_attributed_by_itself(graph, compiled, image):
    head = read_head(compiled)
    turned = exchange_head(compiled, Head(kernel=head.kernel[:, ::-1].copy(), bias=head.bias[::-1].copy()))
    before, after = attribution(compiled), attribution(turned)
    np.testing.assert_array_equal(after.of(image, condition="first"), before.of(image, condition="second"))


def test_a_network_that_was_compiled_without_is_not_asked(graph, image):
    with pytest.raises(RuntimeError, match="without attribution"):
        CompiledNetwork(compile_network(graph)).attribute(image, np.zeros(1280, np.float32))

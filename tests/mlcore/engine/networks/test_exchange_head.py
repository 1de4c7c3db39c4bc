"""The head of a compiled network is exchanged without TensorFlow, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.engine.artifacts import file_sha256, load_artifact
from mlcore.engine.errors import ArtifactError
from mlcore.engine.inference.loader import keras_model_from
from mlcore.engine.inference.runtime import CompiledNetwork
from mlcore.engine.networks.compiled import compile_network
from mlcore.engine.networks.exchange_head import Head, exchange_head, read_head, rounded


@pytest.fixture(scope="module")
def artifact(toy_model):
    path, _, _ = toy_model
    return load_artifact(path, expected_sha256=file_sha256(path))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).normal(size=(4, 32, 32, 1)).astype(np.float32)


def _wider(head: Head, *, classes: int) -> Head:
    rng = np.random.default_rng(2)
    more = rng.normal(size=(len(head.kernel), classes)).astype(np.float32)
    bias = np.concatenate([head.bias, rng.normal(size=classes).astype(np.float32)])
    return rounded(Head(np.concatenate([head.kernel, more], axis=1), bias))


def test_the_same_head_gives_the_same_file(artifact):
    compiled = artifact.members["network.tflite"]

    assert exchange_head(compiled, read_head(compiled)) == compiled


def test_an_exchanged_head_is_what_keras_would_have_compiled(artifact, images):
    compiled = artifact.members["network.tflite"]
    head = read_head(compiled)
    other = rounded(Head(head.kernel * 0.5 - 0.1, head.bias + 1.0))
    model = keras_model_from(artifact)
    model.get_layer("maps").set_weights([other.kernel[None, None], other.bias])

    exchanged = CompiledNetwork(exchange_head(compiled, other)).run_each(images)
    expected = CompiledNetwork(compile_network(model)).run_each(images)

    assert all(np.array_equal(exchanged[name], expected[name]) for name in expected)


def test_new_outputs_leave_the_old_ones_and_the_embedding_as_they_were(artifact, images):
    compiled = artifact.members["network.tflite"]
    head = _wider(read_head(compiled), classes=2)
    before = CompiledNetwork(compiled).run_each(images)

    after = CompiledNetwork(exchange_head(compiled, head)).run_each(images)

    assert after["logits"].shape == (4, 3)
    assert after["maps"].shape == (*before["maps"].shape[:-1], 3)
    np.testing.assert_allclose(after["logits"][:, :1], before["logits"], atol=1e-5)
    np.testing.assert_allclose(after["logits"], head.logits(after["embedding"]), atol=1e-4)
    assert np.array_equal(after["embedding"], before["embedding"])
    assert np.array_equal(after["layers"], before["layers"])


def test_a_head_is_read_back_as_it_was_put(artifact):
    head = _wider(read_head(artifact.members["network.tflite"]), classes=1)

    found = read_head(exchange_head(artifact.members["network.tflite"], head))

    assert np.array_equal(found.kernel, head.kernel)
    assert np.array_equal(found.bias, head.bias)


def test_a_head_for_other_features_is_refused(artifact):
    compiled = artifact.members["network.tflite"]
    head = read_head(compiled)

    with pytest.raises(ArtifactError):
        exchange_head(compiled, Head(head.kernel[:-1], head.bias))

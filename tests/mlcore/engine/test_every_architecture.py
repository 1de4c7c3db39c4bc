"""One contract for every architecture: train, save, load, predict, explain."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mlcore.engine.artifacts import file_sha256, load_artifact
from mlcore.engine.explanation.explainer import Explainer
from mlcore.engine.explanation.methods import GRADIENT_METHODS, Method
from mlcore.engine.imaging.preprocess import Preprocessing
from mlcore.engine.inference.loader import keras_model_from, predictor_from
from mlcore.engine.networks.registry import architectures, find_network
from mlcore.engine.training.batches import plain_inputs
from mlcore.engine.training.data import TrainingData
from mlcore.engine.training.package import Description, write_model
from mlcore.engine.training.plan import TrainingPlan
from mlcore.engine.training.trainer import find_trainer
from mlcore.engine.types import DecodedImage
from tests.mlcore.engine.toy import CREATED, SIZE, as_decoded, toy_pictures, toy_plan

WEIGHTS_ROUNDED = 0.03
"""Largest difference of a logit, as a part of 1 + its size: folded kernels are rounded to float16."""


@pytest.fixture(scope="module", autouse=True)
def graphs_as_they_are() -> Iterator[None]:
    """Leave traced graphs unoptimized: each is run twice and optimizing it takes longer than that."""
    import tensorflow as tf

    before = tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer", False)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": before})


@pytest.fixture(scope="module")
def pictures() -> TrainingData:
    """Return three small folds, each with both classes."""
    every = toy_pictures(24)
    folds = (every.take(range(*rows)) for rows in ((0, 12), (12, 18), (18, 24)))
    return TrainingData(*folds)


def _plan(name: str) -> TrainingPlan:
    size = max(48, find_network(name).least_input_size)
    preprocessing = Preprocessing(stored_size=SIZE, input_size=size, edge_blank=1, edge_ramp=2)
    return toy_plan(architecture=name, epochs=1, batch_size=12, preprocessing=preprocessing)


def _train_and_save(plan: TrainingPlan, pictures: TrainingData, folder: Path) -> Path:
    trained = find_trainer(plan.architecture).train(pictures, plan=plan)
    path = folder / f"{plan.architecture}.mmodel"
    described = Description(name="Disks", examination_type="toy", created_at=CREATED)
    write_model(trained, pictures, output=path, described=described, say=lambda _: None)
    return path


def _answered_image(explainer: Explainer, pictures: TrainingData) -> DecodedImage:
    """An image near enough to those of training to be answered for."""
    images = [as_decoded(picture) for picture in pictures.train.pictures]
    answers = zip(images, explainer.predictor.predict_batch(images), strict=True)
    return next(image for image, answer in answers if answer.withheld is None)


@pytest.mark.parametrize("name", architectures())
def test_every_architecture_trains_saves_loads_predicts_and_explains(name, pictures, tmp_path):
    plan, network = _plan(name), find_network(name)
    path = _train_and_save(plan, pictures, tmp_path)
    artifact = load_artifact(path, expected_sha256=file_sha256(path))
    predictor = predictor_from(artifact)
    explainer = Explainer(artifact, predictor=predictor)
    image = _answered_image(explainer, pictures)

    first, second = predictor.predict_batch([image, image])

    assert (artifact.facts.architecture, artifact.facts.classes) == (name, ("disk",))
    assert artifact.settings["initial_weights"] == network.initial_weights(pretrained=True)
    with zipfile.ZipFile(path) as archive:
        assert {member.rsplit(".")[-1] for member in archive.namelist()} <= {"json", "npz", "tflite"}
    assert first.findings == second.findings
    assert 0.0 < first.findings[0].probability < 1.0
    assert np.linalg.norm(first.embedding) == pytest.approx(1.0, abs=1e-3)

    offered = set(Method) - (set() if network.is_graph else GRADIENT_METHODS)
    if not network.attributed_layers:
        offered -= {Method.LAYER_ATTRIBUTION}
    assert set(explainer.methods) == offered
    for method in explainer.methods:
        explained = explainer.explain(image, condition="disk", method=method)
        assert explained.saliency_map.shape == (SIZE, SIZE)
        assert np.isfinite(explained.saliency_map).all()
        assert 0.0 <= explained.saliency_map.min() <= explained.saliency_map.max() <= 1.0
    assert (first.saliency_method == Method.LAYER_ATTRIBUTION) == bool(network.attributed_layers)
    np.testing.assert_array_equal(
        explainer.explain(image, condition="disk", method=Method(first.saliency_method)).saliency_map,
        first.saliency_maps["disk"],
    )

    inputs = plain_inputs(pictures.test.pictures[:1], plan=plan)
    outputs = predictor.network.run(inputs[0])
    assert outputs["maps"].mean() == pytest.approx(float(outputs["logits"][0]), rel=1e-3, abs=1e-3)
    if network.is_graph:
        again = float(np.asarray(keras_model_from(artifact)(inputs)["logits"])[0, 0])
        assert abs(again - outputs["logits"][0]) < WEIGHTS_ROUNDED * (1 + abs(again))

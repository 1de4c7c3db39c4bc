from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from PIL import Image

from mlcore.engine import artifacts
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.imaging.preprocess import network_input
from mlcore.engine.inference.loader import keras_model_from, predictor_from
from mlcore.engine.inference.refusal import CROPPED
from mlcore.engine.training.chest import learned_adult
from mlcore.engine.types import WithheldReason
from tests.mlcore.engine.imaging.samples import dicom
from tests.mlcore.engine.toy import as_decoded, toy_data


@pytest.fixture(scope="module")
def artifact(toy_model):
    path, _, _ = toy_model
    return artifacts.load_artifact(path, expected_sha256=artifacts.file_sha256(path))


@pytest.fixture(scope="module")
def predictor(artifact):
    return predictor_from(artifact)


@pytest.fixture(scope="module")
def images():
    return [as_decoded(picture) for picture in toy_data().test.pictures[:30]]


def test_what_is_there_is_suggested_and_what_is_not_is_not(predictor):
    data = toy_data().test
    answers = [predictor.predict(as_decoded(p)) for p in data.pictures]
    answered = [
        (a.findings[0].suggested, y == 1)
        for a, y in zip(answers, data.labels[:, 0], strict=True)
        if a.findings
    ]

    assert len(answered) > 0.25 * len(data)
    assert np.mean([first == second for first, second in answered]) > 0.9


def test_a_patient_of_an_age_that_was_not_validated_gets_no_answer_and_an_unknown_age_does(artifact, images):
    limited = predictor_from(replace(artifact, facts=replace(artifact.facts, validated_ages=(1, 5))))
    answered = next(image for image in images if limited.predict(image).findings)
    assert limited.predict(answered, age_years=5).findings
    refused = limited.predict(answered, age_years=64)
    assert not refused.findings
    assert refused.withheld.reason == WithheldReason.OUT_OF_DISTRIBUTION
    assert "64 years" in refused.withheld.message
    assert "1 to 5 years" in refused.withheld.message


def test_identical_images_get_identical_answers_alone_or_in_a_batch(predictor, images):
    batch = predictor.predict_batch(images)

    for image, answer in zip(images, batch, strict=True):
        alone = predictor.predict(image)
        assert alone.findings == answer.findings
        assert alone.withheld == answer.withheld
        assert alone.quality == answer.quality
        np.testing.assert_array_equal(alone.embedding, answer.embedding)


def test_a_fresh_predictor_of_the_same_file_gives_the_same_answers(predictor, artifact, images):
    again = predictor_from(artifact)

    assert [predictor.predict(i).findings for i in images] == [again.predict(i).findings for i in images]


def test_the_served_network_answers_like_the_keras_graph(predictor, artifact, images):
    model = keras_model_from(artifact)
    inputs = np.stack([network_input(i.pixels, how=predictor.preprocessing) for i in images])

    served, graph = predictor.network.run_each(inputs), model(inputs, training=False)

    for name, value in graph.items():
        np.testing.assert_allclose(served[name], np.asarray(value), rtol=1e-4, atol=1e-4)


def test_the_graph_of_the_file_has_the_weights_that_were_trained(artifact, toy_model):
    _, _, trained = toy_model

    for stored, learned in zip(
        keras_model_from(artifact).get_weights(), trained.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(stored, learned)


def test_the_embedding_has_the_size_that_the_facts_say_and_unit_length(predictor, images):
    embedding = predictor.predict(images[0]).embedding

    assert embedding.shape == (predictor.facts.embedding_size,)
    assert np.linalg.norm(embedding) == pytest.approx(1.0, abs=1e-5)


def test_the_map_covers_the_image(predictor, images):
    answered = [a for a in predictor.predict_batch(images) if a.findings]

    assert answered
    for answer in answered:
        shown = answer.saliency_maps["disk"]
        assert shown.shape == (64, 64)
        assert 0.0 <= shown.min() <= shown.max() <= 1.0


@pytest.mark.parametrize(("value", "word"), [(0, "black"), (255, "white"), (128, "contrast")])
def test_a_picture_of_nothing_is_withheld_and_says_what_is_wrong(predictor, value, word):
    answer = predictor.predict(as_decoded(np.full((80, 100), value, np.uint8)))

    assert answer.withheld is not None
    assert answer.withheld.reason is WithheldReason.POOR_QUALITY
    assert word in answer.withheld.message
    assert answer.findings == ()
    assert answer.saliency_maps == {}
    assert answer.embedding.shape == (predictor.facts.embedding_size,)


def test_noise_is_withheld_as_noise(predictor):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)

    answer = predictor.predict(as_decoded(picture))

    assert answer.withheld is not None
    assert "noise" in answer.withheld.message


@pytest.fixture(scope="module")
def shipped():
    path = Path(settings.SHIPPED_MODELS_DIR) / "paediatric-chest-radiograph.mmodel"
    return artifacts.load_predictor(path, expected_sha256=artifacts.file_sha256(path))


@pytest.fixture
def radiographs(data_dir):
    paths = sorted((data_dir / "upload_samples_fullres").rglob("*.jpeg"))[::4]
    return [np.asarray(Image.open(path).convert("L")) for path in paths]


@pytest.mark.data
def test_the_shipped_model_answers_for_radiographs_of_children(shipped, radiographs):
    answers = [shipped.predict(as_decoded(picture)) for picture in radiographs]

    assert [a.withheld for a in answers] == [None] * len(radiographs)
    assert {a.findings[0].condition for a in answers} == {"pneumonia"}


@pytest.mark.data
def test_the_shipped_model_names_inverted_and_turned_radiographs(shipped, radiographs):
    inverted = [shipped.predict(as_decoded(255 - p)).withheld for p in radiographs]
    turned = [shipped.predict(as_decoded(np.rot90(p, 2).copy())).withheld for p in radiographs]

    assert {w.reason for w in inverted if w is not None} == {WithheldReason.INVERTED}
    assert None not in (*inverted, *turned)
    assert all("upside down" in w.message for w in turned if w is not None)


@pytest.mark.data
def test_the_shipped_model_names_parts_of_radiographs_from_any_corner(shipped, radiographs):
    parts = [
        half for p in radiographs for rows in np.array_split(p, 2) for half in np.array_split(rows, 2, axis=1)
    ]
    small = [np.asarray(Image.fromarray(part).resize((112, 112))) for part in parts]
    for kind in (parts, small):
        refused = [shipped.predict(as_decoded(part)).withheld for part in kind]
        assert None not in refused
        assert sum(r is not None and r.message == CROPPED for r in refused) > 0.75 * len(kind)


@pytest.mark.data
def test_the_shipped_model_withholds_adults_it_never_saw_and_says_what_they_look_like(shipped, data_dir):
    with (data_dir / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == "cxr_nih"]
    unseen = [row["path"] for row in rows if not learned_adult(row["group"])][::16]

    answers = [shipped.predict(as_decoded(_gray(data_dir / path))).withheld for path in unseen]

    assert np.mean([w is not None for w in answers]) >= 0.95
    named = [w for w in answers if w is not None and "adult" in w.message]
    assert len(named) > 0.5 * len(unseen)
    assert {w.reason for w in named} == {WithheldReason.OUT_OF_DISTRIBUTION}


def test_the_shipped_model_withholds_an_adult_in_a_dicom_file(shipped):
    answer = shipped.predict(decode_image(dicom("RG1_UNCR.dcm")))

    assert answer.withheld is not None
    assert answer.withheld.reason is WithheldReason.OUT_OF_DISTRIBUTION


def test_the_shipped_model_says_what_it_is_not_for_and_where_its_probabilities_hold(shipped):
    said = " ".join(shipped.facts.limits)

    assert "adults" in said
    assert "62 %" in said


def _gray(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"))


def test_a_picture_of_something_else_is_withheld_as_too_far(predictor):
    y, x = np.mgrid[:64, :64]
    stripes = (127 + 60 * np.sin(x / 2.5) * np.sin(y / 2.5)).astype(np.uint8)

    answer = predictor.predict(as_decoded(stripes))

    assert answer.withheld is not None
    assert answer.withheld.measured > answer.withheld.limit


def test_a_color_image_of_a_gray_picture_gets_the_answer_of_the_gray_one(predictor, images):
    gray = images[0]
    color = as_decoded(np.repeat((gray.pixels * 255).astype(np.uint8)[..., None], 3, axis=2))

    first, second = predictor.predict(gray), predictor.predict(color)

    assert first.findings[0].probability == pytest.approx(second.findings[0].probability, abs=1e-4)


@pytest.mark.data
def test_the_map_of_the_shipped_model_is_as_faint_as_its_answer_and_full_where_it_suggests(
    shipped, radiographs
):
    for picture in radiographs:
        answer = shipped.predict(as_decoded(picture))
        (finding,) = answer.findings
        expected = min(1.0, finding.probability / finding.operating_point)
        assert answer.saliency_method == "layer_attribution"
        assert answer.saliency_maps["pneumonia"].max() == pytest.approx(expected, abs=0.01)

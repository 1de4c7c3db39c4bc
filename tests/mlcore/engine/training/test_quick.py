"""A quick update learns what is new, keeps what is known, and writes a whole model."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.engine.artifacts import file_sha256, load_artifact, load_predictor
from mlcore.engine.evaluation.metrics import auroc
from mlcore.engine.inference.loader import keras_model_from, predictor_from
from mlcore.engine.inference.outliers import Distance
from mlcore.engine.training.data import Fold, fold_of
from mlcore.engine.training.familiar import widened
from mlcore.engine.training.features import LabelledFeatures, complete_labels, describe
from mlcore.engine.training.forward import forward
from mlcore.engine.training.quick import NoQuickUpdate, QuickPlan, quick_update
from tests.mlcore.engine.toy import as_decoded, toy_picture

DIGEST = "d" * 64
CREATED = "2026-02-01T00:00:00+00:00"


@pytest.fixture(scope="module")
def incumbent(toy_model):
    path, _, _ = toy_model
    return load_artifact(path, expected_sha256=file_sha256(path))


def _with_square(picture: np.ndarray) -> np.ndarray:
    marked = picture.copy()
    marked[4:26, 40:60] = 230
    return marked


def _signed(artifact, *, count: int = 320, squares: bool = True, seed: int = 3):
    """Features, labels (disk, square) and pictures; a square in every fourth where asked for."""
    rng, predictor = np.random.default_rng(seed), predictor_from(artifact)
    disks = np.arange(count) % 2
    marked = (np.arange(count) // 2 % 4 == 0) & squares
    pictures = [toy_picture(bool(d), rng=rng) for d in disks]
    pictures = [_with_square(p) if m else p for p, m in zip(pictures, marked, strict=True)]
    described = [describe(predictor.network, p, how=predictor.preprocessing) for p in pictures]
    groups = tuple(f"signed-{i}" for i in range(count))
    data = LabelledFeatures(
        embeddings=np.stack([d[0] for d in described]),
        layers=np.stack([d[1] for d in described]),
        labels=np.stack([disks, marked], axis=1).astype(np.float32),
        groups=groups,
        keys=groups,
        folds=tuple(fold_of(g, key=b"quick", validation=0.2, test=0.3) for g in groups),
    )
    return data, pictures


def _update(artifact, data, pictures, output, *, classes=("disk", "square"), seed=1):
    return quick_update(
        artifact,
        data,
        plan=QuickPlan(classes, seed, CREATED, DIGEST),
        learned_before=np.zeros(len(data), bool),
        pictures=lambda rows: [pictures[i] for i in rows],
        output=output,
    )


@pytest.fixture(scope="module")
def updated(incumbent, tmp_path_factory):
    """The incumbent with an output for squares: its file, the data, and the pictures."""
    data, pictures = _signed(incumbent)
    path = tmp_path_factory.mktemp("quick") / "updated.mmodel"
    _update(incumbent, data, pictures, path)
    return path, data, pictures


def test_a_new_condition_gets_an_output_and_the_old_one_is_not_forgotten(incumbent, updated):
    path, data, pictures = updated
    after = load_predictor(path, expected_sha256=file_sha256(path))
    test = np.flatnonzero(data.of(Fold.TEST))
    how, before = after.preprocessing, predictor_from(incumbent)
    embeddings = np.stack([describe(after.network, pictures[i], how=how)[0] for i in test])
    assert np.array_equal(embeddings, data.embeddings[test])
    assert after.facts.classes == ("disk", "square")

    from mlcore.engine.networks.exchange_head import read_head

    new = read_head(load_artifact(path, expected_sha256=file_sha256(path)).members["network.tflite"])
    old = read_head(incumbent.members["network.tflite"])
    areas = [auroc(data.labels[test, 0], h.logits(embeddings)[:, 0]) for h in (old, new)]
    assert areas[1] >= areas[0] - 0.01
    assert auroc(data.labels[test, 1], new.logits(embeddings)[:, 1]) > 0.9
    assert before.facts.embedding_version == after.facts.embedding_version


def test_an_updated_model_says_what_it_was_made_from_and_measures_itself(updated):
    path, _, _ = updated
    facts = load_predictor(path, expected_sha256=file_sha256(path)).facts

    assert (facts.dataset_sha256, facts.created_at) == (DIGEST, CREATED)
    assert set(facts.operating_points) == {"disk", "square"}
    assert 0.9 < facts.metrics["square_auroc"] <= 1.0
    assert facts.operating_points["square"].sensitivity_interval is not None


def test_an_updated_model_answers_and_shows_where(updated):
    path, _, _ = updated
    picture = _with_square(toy_picture(False, rng=np.random.default_rng(8)))

    prediction = load_predictor(path, expected_sha256=file_sha256(path)).predict(as_decoded(picture))

    assert prediction.withheld is None
    found = {score.condition: score for score in prediction.findings}
    assert found["square"].suggested
    assert prediction.saliency_maps["square"].max() > 0


def test_the_keras_graph_of_an_updated_model_is_the_same_network(updated):
    path, _, pictures = updated
    artifact = load_artifact(path, expected_sha256=file_sha256(path))
    predictor = predictor_from(artifact)
    from mlcore.engine.training.batches import plain_inputs
    from tests.mlcore.engine.toy import toy_plan

    inputs = plain_inputs(np.stack(pictures[:4]), plan=toy_plan())
    logits = forward(keras_model_from(artifact), inputs)["logits"]

    np.testing.assert_allclose(predictor.network.run_each(inputs)["logits"], logits, atol=2e-2)


def test_the_same_seed_gives_the_same_file(incumbent, updated, tmp_path):
    path, data, pictures = updated
    again = tmp_path / "again.mmodel"

    _update(incumbent, data, pictures, again)

    assert file_sha256(again) == file_sha256(path)


def test_what_nobody_labelled_stays_what_it_was(updated, tmp_path):
    path, data, pictures = updated
    artifact = load_artifact(path, expected_sha256=file_sha256(path))
    unlabelled = data.labels.copy()
    unlabelled[:, 1] = np.nan
    silent = LabelledFeatures(**{**vars(data), "labels": unlabelled})

    _update(artifact, silent, pictures, tmp_path / "next.mmodel")

    after = load_artifact(tmp_path / "next.mmodel", expected_sha256=file_sha256(tmp_path / "next.mmodel"))
    assert after.settings["calibration"]["square"] == artifact.settings["calibration"]["square"]
    assert after.settings["quick_update"]["steps"]["square"] == 0.0


def test_without_both_sides_of_any_condition_there_is_no_update(incumbent, updated, tmp_path):
    _, data, pictures = updated
    one_sided = LabelledFeatures(**{**vars(data), "labels": np.ones((len(data), 1), np.float32)})

    with pytest.raises(NoQuickUpdate):
        _update(incumbent, one_sided, pictures, tmp_path / "none.mmodel", classes=("disk",))


def test_silence_is_absence_only_where_nothing_else_says_what_absence_looks_like():
    nan = np.nan
    labels = np.array([[1, 1], [nan, 1], [0, nan], [0, nan]], np.float32)

    completed, columns = complete_labels(labels)

    assert columns == (1,)
    assert completed[:, 1].tolist() == [1, 1, 0, 0]
    assert np.isnan(completed[1, 0])


def test_a_common_condition_is_not_absent_where_nobody_spoke_of_it():
    common = np.array([1] * 30 + [0] * 10 + [np.nan] * 5, np.float32)
    new = np.array([np.nan] * 40 + [1] * 5, np.float32)
    everywhere = np.array([1] * 30 + [np.nan] * 15, np.float32)

    completed, columns = complete_labels(np.stack([common, new, everywhere], axis=1))

    assert columns == (1, 2)
    assert np.isnan(completed[40:, 0]).all()
    assert completed[:, 1].sum() == 5


def test_signed_images_become_familiar_and_others_stay_strange():
    rng = np.random.default_rng(0)
    distance = Distance(mean=np.zeros(8, np.float32), whitening=np.eye(8, dtype=np.float32))
    signed = rng.normal(size=(300, 8)).astype(np.float32) + np.array([6, *[0] * 7], np.float32)
    strange = rng.normal(size=(100, 8)).astype(np.float32) + np.array([0, 6, *[0] * 6], np.float32)

    after = widened(distance, signed)

    assert after.of(signed).mean() < 0.6 * distance.of(signed).mean()
    assert after.of(strange).mean() > 0.9 * distance.of(strange).mean()

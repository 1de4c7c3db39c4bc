"""What lies outside of the validated range is learned, named, and let in again once it was signed."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.engine import artifacts
from mlcore.engine.inference.loader import predictor_from
from mlcore.engine.training.data import Fold
from mlcore.engine.training.familiar import widened_statistics
from mlcore.engine.training.features import LabelledFeatures, describe
from mlcore.engine.training.outside import OutsideExamples
from mlcore.engine.training.package import Description, write_model
from mlcore.engine.types import WithheldReason
from tests.mlcore.engine.toy import CREATED, as_decoded, toy_data, toy_pictures

MESSAGE = "This looks like a picture with bars."


def with_bars(pictures: np.ndarray) -> np.ndarray:
    """Return the pictures with faint bars, as the anatomy of another age would look."""
    bars = 14 * np.sin(np.arange(pictures.shape[2]) / 1.5)
    return np.clip(pictures + bars, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def artifact(toy_model, tmp_path_factory):
    _, _, trained = toy_model
    path = tmp_path_factory.mktemp("outside") / "toy.mmodel"
    examples = OutsideExamples(with_bars(toy_pictures(60, seed=5).pictures), message=MESSAGE)
    described = Description(name="Disks", examination_type="toy", created_at=CREATED)
    write_model(
        trained,
        toy_data(),
        output=path,
        described=described,
        outside=examples,
        prevalence=0.3,
        say=lambda _: None,
    )
    return artifacts.load_artifact(path, expected_sha256=artifacts.file_sha256(path))


def test_pictures_outside_of_the_range_that_were_never_shown_are_withheld_with_the_reason(artifact):
    predictor = predictor_from(artifact)
    others = with_bars(toy_pictures(40, seed=9).pictures)

    answers = [predictor.predict(as_decoded(picture)).withheld for picture in others]

    assert np.mean([w is not None for w in answers]) > 0.9
    named = [w for w in answers if w is not None and w.message == MESSAGE]
    assert len(named) > 0.5 * len(others)
    assert {w.reason for w in named} == {WithheldReason.OUT_OF_DISTRIBUTION}
    assert all(w.measured > w.limit for w in named)


def test_pictures_within_the_range_are_not_said_to_lie_outside(artifact):
    predictor = predictor_from(artifact)

    answers = [predictor.predict(as_decoded(p)).withheld for p in toy_data().test.pictures]

    assert np.mean([w is not None and w.message == MESSAGE for w in answers]) < 0.1


def test_a_model_made_without_examples_has_no_such_machine(toy_model):
    path, _, _ = toy_model
    without = artifacts.load_artifact(path, expected_sha256=artifacts.file_sha256(path))

    assert predictor_from(without).refusal.validated_range is None
    assert "outside" not in without.settings["refusal"]


def test_the_limit_rises_once_such_pictures_were_signed_here(artifact):
    predictor = predictor_from(artifact)
    pictures = with_bars(toy_pictures(40, seed=9).pictures)
    found = [describe(predictor.network, p, how=predictor.preprocessing) for p in pictures]
    signed = LabelledFeatures(
        embeddings=np.stack([embedding for embedding, _ in found]),
        layers=np.stack([layers for _, layers in found]),
        labels=np.ones((40, 1), np.float32),
        groups=tuple(f"patient-{i}" for i in range(40)),
        keys=tuple(f"picture-{i}" for i in range(40)),
        folds=(Fold.VALIDATION,) * 40,
    )

    _, limits = widened_statistics(artifact, signed)

    assert limits["outside_limit"] > artifact.settings["refusal"]["outside_limit"]
    assert predictor.refusal.validated_range is not None
    seen = predictor.refusal.validated_range.log_odds(signed.layers)
    assert np.mean(seen > limits["outside_limit"]) < 0.1


def test_the_prevalence_that_probabilities_hold_for_is_stored_and_measured_at(artifact):
    assert artifact.settings["prevalence"] == 0.3
    assert 0.0 <= artifact.facts.metrics["disk_ece_at_prevalence"] <= 1.0

"""A training runs through the real services and files, is judged, and changes nothing by itself."""

import numpy as np
import pytest

from mlcore import pipeline
from mlcore.engine.artifacts import load_predictor
from mlcore.models import ChangeKind, GateReport, LimitName, ModelState, TrainingKind, TrainingState
from mlcore.selectors import active_version
from mlcore.services.change_plans import adopt_plan
from mlcore.services.promotion import GateNotPassed, obstacle, promote, roll_back
from mlcore.services.training import request_training
from mlcore.serving import local_copy
from tests.mlcore.engine.toy import as_decoded, toy_picture
from tests.mlcore.signed_images import sign_images


def trained(toy, by, **options):
    run = request_training(toy, by=by, **options)
    pipeline.run_training(str(run.pk))
    run.refresh_from_db()
    return run


def probabilities(version):
    predictor = load_predictor(local_copy(version), expected_sha256=version.artifact_sha256)
    rng = np.random.default_rng(99)
    images = [as_decoded(toy_picture(bool(i % 2), rng=rng)) for i in range(12)]
    return [
        [finding.probability for finding in prediction.findings]
        for prediction in predictor.predict_batch(images)
    ]


def test_a_quick_update_becomes_a_candidate_with_a_report_and_waits(toy, incumbent, steward):
    sign_images(toy, 240, seed=1)
    run = trained(toy, steward)
    assert (run.state, run.failure_message) == (TrainingState.SUCCEEDED, "")
    report = GateReport.objects.get(candidate=run.candidate)
    assert report.passed, [c for c in report.criteria if not c["passed"]]
    assert report.incumbent == incumbent
    assert run.candidate.state == ModelState.CANDIDATE
    assert active_version(toy) == incumbent
    assert run.candidate.embedding_version == incumbent.embedding_version
    assert run.candidate.dataset_sha256 == run.dataset_version.manifest_sha256


def test_a_poisoned_batch_is_refused_and_cannot_be_promoted(toy, incumbent, steward, administrator):
    sign_images(toy, 240, seed=1)
    promote(trained(toy, steward).candidate, by=administrator, reason="Passed.")
    flipped = np.random.default_rng(3).permutation(100)[:30].tolist()
    sign_images(toy, 100, seed=2, flipped=flipped)
    run = trained(toy, steward)
    report = GateReport.objects.get(candidate=run.candidate)
    assert not report.passed
    labels = next(one for one in report.criteria if one["name"] == "labels")
    assert not labels["passed"]
    assert "data steward" in labels["reason"]
    doubtful = set(report.figures["contradicted"]["disk"])
    assert len(doubtful) >= 25
    with pytest.raises(GateNotPassed):
        promote(run.candidate, by=administrator, reason="Anyway.")


def test_a_roll_back_gives_bit_identical_probabilities(toy, incumbent, steward, administrator):
    before = probabilities(incumbent)
    sign_images(toy, 240, seed=1)
    run = trained(toy, steward)
    promote(run.candidate, by=administrator, reason="Passed.")
    assert probabilities(active_version(toy)) != before
    assert roll_back(toy, by=administrator, reason="False alarms.") == incumbent
    assert probabilities(active_version(toy)) == before


def test_a_candidate_is_promoted_by_itself_where_the_test_images_show_so_small_a_loss_as_the_plan_asks(
    toy, incumbent, steward, administrator
):
    toy.promotes_automatically = True
    toy.save()
    sign_images(toy, 240, seed=1)
    first = trained(toy, steward).candidate
    assert first.state == ModelState.CANDIDATE
    power = GateReport.objects.get(candidate=first).figures["power"]
    assert {one["name"]: one["patients"] for one in power} == {"sensitivity.disk": 30, "specificity.disk": 30}
    assert (obstacle(first), obstacle(first, automatic=True).code) == (None, "too_little_measured")
    adopt_plan(
        toy,
        by=administrator,
        reason="Ten points are enough here.",
        changes=ChangeKind.values,
        automatic=[ChangeKind.NEW_HEAD],
        limits={LimitName.AUTOMATIC_LOSS: 0.1},
    )
    second = trained(toy, steward, seed=8).candidate
    assert active_version(toy) == second


def test_a_full_training_makes_the_first_model(toy, steward):
    sign_images(toy, 64, seed=1)
    run = trained(toy, steward, kind=TrainingKind.FULL, architecture="tiny_cnn", epochs=1)
    assert (run.state, run.failure_message) == (TrainingState.SUCCEEDED, "")
    assert run.candidate.classes == ["disk"]

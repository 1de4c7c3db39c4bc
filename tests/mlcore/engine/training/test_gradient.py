from __future__ import annotations

import math

import numpy as np
import pytest

from mlcore.engine.errors import ArtifactError
from mlcore.engine.training.progress import TrainingProgress, TrainingStopped
from mlcore.engine.training.step import class_weights, learning_rate
from mlcore.engine.training.trainer import find_trainer
from tests.mlcore.engine.toy import toy_data, toy_plan


def _train(plan, **options):
    return find_trainer(plan.architecture).train(toy_data(), plan=plan, **options)


def test_a_network_learns_what_the_pictures_show(toy_model):
    _, facts, trained = toy_model

    assert trained.history[-1]["loss"] < trained.history[1]["loss"]
    assert facts.metrics["auroc"] > 0.95


def test_progress_counts_up_to_the_last_step():
    told: list[TrainingProgress] = []

    _train(toy_plan(epochs=1), on_progress=told.append)

    last = told[-1]
    assert (last.epoch, last.step) == (last.epochs, last.steps)
    assert told[0].epoch == 0
    assert last.loss is not None
    assert 0.0 <= (last.auroc or 0.0) <= 1.0
    assert [p.seconds_left for p in told[1:]][-1] == pytest.approx(0.0, abs=1e-6)


def test_a_stopped_run_goes_on_from_its_checkpoint_to_the_same_weights(tmp_path):
    plan, checkpoint = toy_plan(epochs=2), tmp_path / "run.checkpoint"
    whole = _train(plan)
    told: list[TrainingProgress] = []

    with pytest.raises(TrainingStopped):
        _train(
            plan,
            checkpoint=checkpoint,
            on_progress=told.append,
            should_stop=lambda: bool(told) and told[-1].epoch == 2,
        )
    resumed = _train(plan, checkpoint=checkpoint)

    assert [row["epoch"] for row in resumed.history] == [0, 1, 2]
    for first, second in zip(whole.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_allclose(first, second, atol=1e-5)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    checkpoint = tmp_path / "run.checkpoint"
    _train(toy_plan(epochs=1), checkpoint=checkpoint)

    with pytest.raises(ArtifactError, match="other settings"):
        _train(toy_plan(epochs=1, seed=8), checkpoint=checkpoint)


def test_a_run_that_was_told_to_stop_early_can_be_told_to_go_on(tmp_path):
    checkpoint = tmp_path / "run.checkpoint"

    early = _train(toy_plan(epochs=2, stop_after=1), checkpoint=checkpoint)
    whole = _train(toy_plan(epochs=2), checkpoint=checkpoint)

    assert [row["epoch"] for row in early.history] == [0, 1]
    assert [row["epoch"] for row in whole.history] == [0, 1, 2]


def test_both_classes_weigh_alike_however_rare_one_is():
    labels = np.array([[0.0], [1.0], [1.0], [1.0], [np.nan]], np.float32)

    weights = class_weights(labels)

    assert weights[0, 0] * 1 == pytest.approx(weights[1, 0] * 3)


def test_the_learning_rate_rises_and_then_falls_to_nothing():
    plan = toy_plan(warm_up=0.1, learning_rate=1.0)
    rates = [learning_rate(step, total=100, plan=plan) for step in range(100)]

    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert math.isclose(rates[-1], 0.0, abs_tol=1e-3)

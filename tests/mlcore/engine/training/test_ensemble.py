from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlcore.engine.training.ensemble import Ensemble, train_member, train_pupil
from mlcore.engine.training.progress import TrainingProgress, TrainingStopped
from tests.mlcore.engine.toy import toy_data, toy_plan


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    ensemble = Ensemble(
        plan=toy_plan(epochs=2), members=2, pupil_epochs=2, folder=tmp_path_factory.mktemp("ensemble")
    )
    told: list[TrainingProgress] = []
    return ensemble, train_pupil(toy_data(), ensemble=ensemble, on_progress=told.append, say=_quiet), told


def _quiet(_: str) -> None:
    pass


def test_members_differ_by_their_seed_alone(trained):
    ensemble, _, _ = trained

    first, second = (train_member(toy_data(), ensemble=ensemble, number=n) for n in (0, 1))

    assert replace(first.plan, seed=0) == replace(second.plan, seed=0)
    assert any(
        not np.array_equal(a, b)
        for a, b in zip(first.model.get_weights(), second.model.get_weights(), strict=True)
    )


def test_the_pupil_learns_from_labels_and_members(trained):
    _, pupil, _ = trained

    assert 0.0 < pupil.plan.soft < 1.0
    assert pupil.history[pupil.best_epoch]["auroc"] > 0.9


def test_progress_counts_over_all_members_and_the_pupil(trained):
    _, _, told = trained

    assert {p.epochs for p in told} == {6}
    assert [p.epoch for p in told] == sorted(p.epoch for p in told)
    assert (told[-1].epoch, told[-1].step) == (6, told[-1].steps)


def test_what_has_ended_is_not_trained_again(trained):
    ensemble, pupil, _ = trained
    told: list[TrainingProgress] = []

    again = train_pupil(toy_data(), ensemble=ensemble, on_progress=told.append, say=_quiet)

    assert told == []
    for first, second in zip(pupil.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_an_ensemble_that_was_cut_off_goes_on_where_it_was(trained, tmp_path):
    ensemble, pupil, _ = trained
    cut, told = replace(ensemble, folder=tmp_path), []

    with pytest.raises(TrainingStopped):
        train_pupil(
            toy_data(),
            ensemble=cut,
            on_progress=told.append,
            should_stop=lambda: bool(told) and told[-1].epoch == 4,
            say=_quiet,
        )
    resumed = train_pupil(toy_data(), ensemble=cut, say=_quiet)

    for first, second in zip(pupil.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_allclose(first, second, atol=2e-3)

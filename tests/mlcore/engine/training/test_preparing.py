from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlcore.engine.training.epochs import planted_labels, training_batches
from mlcore.engine.training.preparing import preparing
from tests.mlcore.engine.toy import toy_data, toy_plan


@pytest.fixture(scope="module")
def data():
    return toy_data(120).train


def _epoch(data, plan, *, processes):
    with preparing(data.pictures, plan=plan, processes=processes) as preparer:
        return list(training_batches(data, epoch=1, preparer=preparer))


def test_processes_make_the_same_batches_in_the_same_order_as_a_thread(data):
    plan = toy_plan(planted="disk")

    alone, together = (_epoch(data, plan, processes=n) for n in (0, 2))

    assert len(alone) == len(together) == len(data) // plan.batch_size
    for (inputs, labels), (others, their_labels) in zip(alone, together, strict=True):
        np.testing.assert_array_equal(inputs, others)
        np.testing.assert_array_equal(labels, their_labels)


def test_opacities_are_planted_into_pictures_that_have_nothing_and_count_as_the_condition(data):
    plan = toy_plan(planted="disk", planted_share=0.5)

    labels, rows = planted_labels(data.labels, plan=plan, epoch=1)

    assert 0 < rows.sum() < (data.labels == 0).sum()
    assert (data.labels[rows] == 0).all()
    np.testing.assert_array_equal(np.flatnonzero(labels != data.labels), np.flatnonzero(rows))


def test_each_epoch_plants_into_others(data):
    plan = toy_plan(planted="disk", planted_share=0.5)

    first, second = (planted_labels(data.labels, plan=plan, epoch=epoch)[1] for epoch in (1, 2))

    assert (first != second).any()


def test_a_planted_opacity_is_seen_by_the_network_and_nothing_else_changes(data):
    plain, planted = toy_plan(), toy_plan(planted="disk", planted_share=1.0)
    healthy = replace(data, labels=np.zeros_like(data.labels))
    before, after = (
        np.concatenate([inputs for inputs, _ in _epoch(healthy, plan, processes=0)])
        for plan in (plain, planted)
    )

    changed = (before != after).any(axis=(1, 2, 3))
    assert np.mean(changed) > 0.95

"""What the gate says it could have missed is what its rule does miss."""

import numpy as np
import pytest

from mlcore.engine.evaluation.answers import Answers
from mlcore.engine.evaluation.gate import gate
from mlcore.engine.evaluation.limits import Limits
from mlcore.engine.evaluation.power import FOUND, power_of
from mlcore.engine.evaluation.questions import Questions

FEW_ROUNDS = Limits(rounds=300)


def asked(present, absent, *, after=None, limits=FEW_ROUNDS):
    """Return the gate's questions about a candidate, all of whose answers were right before."""
    labels = np.array([1.0] * present + [0.0] * absent, np.float32)
    before = labels[:, None].copy()
    answers = [
        Answers(("p",), scores.astype(np.float32), np.zeros(len(labels), bool), {"p": 0.5})
        for scores in (before if after is None else after[:, None], before)
    ]
    groups = np.array([f"patient-{i}" for i in range(len(labels))])
    return Questions(*answers, groups, limits, 0), labels


@pytest.mark.parametrize(("patients", "may_lose", "loss"), [(13, 0, 0.116), (37, 1, 0.079), (60, 1, 0.049)])
def test_the_loss_that_is_found_falls_with_the_patients(patients, may_lose, loss):
    margin = max(0.05, 3 / patients) if patients >= 30 else 0.05
    found = power_of("sensitivity.p", patients=patients, margin=margin, flips=5)
    assert (found.may_lose, round(found.loss, 3)) == (may_lose, loss)


def test_fewer_flips_allowed_find_a_smaller_loss_and_no_patients_find_none():
    assert power_of("x", patients=300, margin=0.05, flips=2).loss < 0.02
    assert power_of("x", patients=0, margin=0.05, flips=2).loss == 1.0


@pytest.mark.parametrize(("present", "absent"), [(37, 13), (74, 26)])
def test_a_loss_of_the_stated_size_is_refused_four_times_in_five(present, absent):
    questions, labels = asked(present, absent, after=np.full(present + absent, 0.6))
    stated = next(one for one in questions.power(labels[:, None], ("p",)) if one.name == "sensitivity.p")
    rng = np.random.default_rng(5)
    refused = []
    for _ in range(150):
        lost = (rng.random(present + absent) < stated.loss) & (labels == 1)
        ask, _ = asked(present, absent, after=np.where(lost, 0.1, labels))
        now = ~lost & (labels == 1)
        rate = ask._rate("sensitivity", "p", labels == 1, now, labels == 1, ask.groups)
        refused.append(not (rate.passed and ask._flips(labels[:, None], ("p",), ["p"]).passed))
    assert np.mean(refused) > FOUND - 0.1
    assert np.mean(refused) < FOUND + 0.12


def test_answers_that_did_not_change_need_no_power():
    questions, labels = asked(30, 30)
    assert questions.power(labels[:, None], ("p",)) == []


def test_the_gate_states_it_for_each_rate_of_each_condition():
    questions, labels = asked(40, 40, after=np.tile(0.6, 80))
    result = gate(
        questions.candidate,
        questions.incumbent,
        labels=labels[:, None],
        classes=("p",),
        groups=questions.groups.tolist(),
        limits=FEW_ROUNDS,
    )
    assert [(one.name, one.patients) for one in result.power] == [
        ("sensitivity.p", 40),
        ("specificity.p", 40),
    ]

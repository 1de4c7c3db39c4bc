"""The gate lets through what is shown to be as good, and says of everything else why not."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.engine.evaluation import paired
from mlcore.engine.evaluation.answers import Answers
from mlcore.engine.evaluation.gate import gate
from mlcore.engine.evaluation.label_check import BatchCheck, LabelCheck, check_labels
from mlcore.engine.evaluation.limits import Limits
from mlcore.engine.evaluation.metrics import auroc

ROWS = 300


def _labels(seed: int = 0, rows: int = ROWS) -> np.ndarray:
    return (np.random.default_rng(seed).random((rows, 1)) < 0.5).astype(np.float32)


def _answers(labels: np.ndarray, *, noise: float, seed: int = 1, bias: float = 0.0) -> Answers:
    """Calibrated answers of a model whose logits have `noise` about the truth."""
    rng = np.random.default_rng(seed)
    scores = (2 * labels - 1) + rng.normal(0, noise, labels.shape)
    logits = 2 * scores / max(noise, 0.3) ** 2 + bias
    probabilities = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return Answers(("disk",), probabilities, np.zeros(len(labels), bool), {"disk": 0.5})


def _gate(candidate, incumbent, labels, **options):
    groups = options.pop("groups", [str(i) for i in range(len(labels))])
    return gate(
        candidate,
        incumbent,
        labels=labels,
        classes=("disk",),
        groups=groups,
        label_check=options.pop("label_check", LabelCheck()),
        limits=Limits(rounds=options.pop("rounds", 500)),
        **options,
    )


def _missed(result) -> set[str]:
    return {one.name for one in result.criteria if not one.passed}


def test_a_model_that_answers_the_same_passes():
    labels = _labels()
    answers = _answers(labels, noise=0.6)

    result = _gate(answers, answers, labels)

    assert result.passed, _missed(result)


def test_a_better_model_passes():
    labels = _labels()

    result = _gate(_answers(labels, noise=0.3), _answers(labels, noise=0.5), labels)

    assert result.passed, _missed(result)
    assert result.figures["disk"]["candidate"]["auroc"] > result.figures["disk"]["incumbent"]["auroc"]


def test_a_worse_model_is_refused_on_every_count_with_reasons():
    labels = _labels()

    result = _gate(_answers(labels, noise=1.5, seed=2), _answers(labels, noise=0.4), labels)

    assert {"auroc", "auroc.disk", "sensitivity.disk", "specificity.disk", "negative_flips"} <= _missed(
        result
    )
    assert all(one.reason.endswith(".") for one in result.criteria)


def test_a_model_that_is_as_good_but_wrong_elsewhere_is_refused_for_its_flips():
    labels = _labels(rows=2000)

    result = _gate(_answers(labels, noise=0.6, seed=2), _answers(labels, noise=0.6, seed=1), labels)

    assert "negative_flips" in _missed(result)
    assert (
        abs(result.figures["disk"]["candidate"]["auroc"] - result.figures["disk"]["incumbent"]["auroc"])
        < 0.02
    )


def test_a_test_fold_too_small_passes_nothing_and_says_so():
    labels = _labels(rows=40)
    answers = _answers(labels, noise=0.5)

    result = _gate(answers, answers, labels)

    assert not result.passed
    assert "at least 50 of 30 are needed" in next(c.reason for c in result.criteria if c.name == "test_fold")


def test_many_images_of_few_patients_are_too_few():
    labels = _labels()
    answers = _answers(labels, noise=0.5)

    result = _gate(answers, answers, labels, groups=[str(i % 10) for i in range(ROWS)])

    assert "test_fold" in _missed(result)


def test_an_empty_test_fold_is_no_error():
    labels = np.zeros((0, 1), np.float32)
    answers = Answers(("disk",), labels, np.zeros(0, bool), {"disk": 0.5})

    assert "test_fold" in _missed(_gate(answers, answers, labels))


def test_shifted_probabilities_are_refused_for_their_calibration():
    labels = _labels(rows=1000)

    result = _gate(_answers(labels, noise=0.6, bias=1.2), _answers(labels, noise=0.6), labels)

    assert "ece.disk" in _missed(result)


def test_a_first_model_is_hardly_ever_refused_for_a_calibration_that_is_good():
    refused = 0
    for seed in range(60):
        labels = _labels(seed, rows=75)
        refused += "ece.disk" in _missed(
            _gate(_answers(labels, noise=0.6, seed=seed), None, labels, rounds=10)
        )

    assert refused <= 2


def test_a_first_model_is_refused_for_a_calibration_that_is_bad():
    labels = _labels(rows=200)

    assert "ece.disk" in _missed(_gate(_answers(labels, noise=0.6, bias=4.0), None, labels))
    assert "ece.disk" not in _missed(_gate(_answers(labels, noise=0.6), None, labels))


@pytest.mark.parametrize(("absent", "passes"), [(29, False), (31, True), (58, True)])
def test_one_image_may_be_lost_where_a_rate_is_measured_on_thirty(absent, passes):
    labels = np.concatenate([np.zeros(absent), np.ones(100)]).astype(np.float32)[:, None]
    before = _answers(labels, noise=0.1)
    probabilities = before.probabilities.copy()
    probabilities[0] = 0.6
    after = Answers(before.classes, probabilities, before.withheld, before.operating_points)

    missed = _missed(_gate(after, before, labels, rounds=4000))

    assert ("specificity.disk" not in missed) == passes
    assert "negative_flips" not in missed


def test_two_images_lost_of_thirty_are_too_many():
    labels = np.concatenate([np.zeros(30), np.ones(100)]).astype(np.float32)[:, None]
    before = _answers(labels, noise=0.1)
    probabilities = before.probabilities.copy()
    probabilities[:2] = 0.6
    after = Answers(before.classes, probabilities, before.withheld, before.operating_points)

    assert "specificity.disk" in _missed(_gate(after, before, labels))


def test_a_condition_that_was_lost_is_missed():
    labels = _labels()
    both = Answers(
        ("disk", "ring"),
        np.repeat(_answers(labels, noise=0.5).probabilities, 2, axis=1),
        np.zeros(ROWS, bool),
        {"disk": 0.5, "ring": 0.5},
    )

    assert "conditions" in _missed(_gate(_answers(labels, noise=0.5), both, labels))


def test_withholding_more_than_before_is_refused():
    labels = _labels()
    before = _answers(labels, noise=0.5)
    after = Answers(before.classes, before.probabilities, np.arange(ROWS) < 30, before.operating_points)

    assert _missed(_gate(after, before, labels)) == {"withheld"}


@pytest.mark.parametrize(("noise", "passes"), [(0.4, True), (3.0, False)])
def test_a_new_condition_must_be_told_apart(noise, passes):
    labels = np.repeat(_labels(), 2, axis=1)
    labels[:, 1] = _labels(seed=5)[:, 0]
    old, new = _answers(labels[:, :1], noise=0.5), _answers(labels[:, 1:], noise=noise)
    wider = Answers(
        ("disk", "square"),
        np.concatenate([old.probabilities, new.probabilities], axis=1),
        old.withheld,
        {"disk": 0.5, "square": 0.5},
    )

    result = gate(
        wider,
        old,
        labels=labels,
        classes=("disk", "square"),
        groups=[str(i) for i in range(ROWS)],
        label_check=LabelCheck(),
    )

    assert ("auroc.square" not in _missed(result)) is passes


def test_a_subgroup_that_loses_is_seen_where_the_whole_is_not_worse():
    labels = _labels(rows=1000)
    before = _answers(labels, noise=0.6)
    small = np.arange(1000) < 80
    probabilities = before.probabilities.copy()
    probabilities[small] = np.random.default_rng(4).random((80, 1))
    after = Answers(before.classes, probabilities, before.withheld, before.operating_points)
    sexes = ["F" if one else "M" for one in small]

    missed = _missed(_gate(after, before, labels, subgroups={"sex": sexes}))

    assert "auroc.disk.sex=F" in missed
    assert "auroc.disk.sex=M" not in missed


def test_the_same_seed_gives_the_same_verdict():
    labels = _labels()
    pair = _answers(labels, noise=0.5, seed=2), _answers(labels, noise=0.5)

    assert _gate(*pair, labels, seed=3) == _gate(*pair, labels, seed=3)


def test_unchecked_labels_pass_nothing():
    labels = _labels()
    answers = _answers(labels, noise=0.5)

    assert _missed(_gate(answers, answers, labels, label_check=None)) == {"labels"}


def test_the_auroc_from_ranks_is_that_of_scikit_learn():
    labels = _labels()[:, 0]
    scores = np.round(np.random.default_rng(3).random(ROWS), 1)

    assert paired.quick_auroc(labels, scores) == pytest.approx(auroc(labels, scores))


def _features(count: int, *, seed: int = 0, error: float = 0.05):
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % 2).astype(np.float32)
    features = rng.normal(size=(count, 20)).astype(np.float32)
    features[:, 0] += 3.5 * (2 * labels - 1)
    return features, np.where(rng.random(count) < error, 1 - labels, labels)[:, None]


def _check(labels, features, *, batches, seed=0):
    names = tuple(str(i) for i in range(len(labels)))
    return check_labels(
        features,
        labels,
        classes=("disk",),
        groups=names,
        keys=names,
        batches=batches,
        expected={"disk": 0.05},
        seed=seed,
    )


def test_a_draw_takes_whole_patients():
    groups = np.array(["a", "b", "a", "c", "b", "a"])

    for rows in paired.draws(groups, rounds=50, seed=1):
        counts = np.bincount(rows, minlength=6)
        assert counts[0] == counts[2] == counts[5]
        assert counts[1] == counts[4]
        assert counts[0] + counts[1] + counts[3] == 3


@pytest.mark.parametrize("known", [300, 0])
@pytest.mark.parametrize("seed", range(20))
def test_a_batch_with_three_in_ten_labels_turned_around_is_found_whatever_the_seed(seed, known):
    features, labels = _features(300 + 100, seed=seed)
    wrong = 300 + np.random.default_rng(seed).permutation(100)[:30]
    labels[wrong] = 1 - labels[wrong]
    batches = np.where(np.arange(400) < known, 0, np.where(np.arange(400) < 300, 1, 2))

    check = _check(labels, features, batches=batches, seed=seed)

    assert [one.batch for one in check.suspicious] == [2]
    assert len(set(map(str, wrong)) & set(check.contradicted_keys["disk"])) >= 25


@pytest.mark.parametrize("seed", range(20))
def test_an_honest_batch_is_not_suspected(seed):
    features, labels = _features(400, seed=seed)

    assert not _check(labels, features, batches=np.where(np.arange(400) < 300, 0, 1), seed=seed).suspicious


def test_the_limit_of_the_labels_is_what_may_be_contradicted():
    labels = _labels()
    answers = _answers(labels, noise=0.5)
    batch = BatchCheck(1, "disk", 100, contradicted=0.12, expected=0.05, suspicious=False)

    result = _gate(answers, answers, labels, label_check=LabelCheck(batches=(batch,)))

    shown = next(one for one in result.criteria if one.name == "labels")
    assert shown.passed
    assert shown.measured < shown.limit
    assert "5% were expected, 10 points more pass" in shown.reason

"""The page of figures: what it compares, for whom, and what it says while there is nothing."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from diagnosis.models import Analysis, Review
from diagnosis.selectors import figures
from diagnosis.selectors.drift import compare
from diagnosis.services.reviews import VerdictInput, save_draft, sign_review, start_review
from tests.diagnosis.views.conftest import Read, answered_study
from tests.factories import DatasetItemFactory


def sign(read: Read, *, by: User, verdict: str) -> Review:
    draft = start_review(read.study, by=by)
    return sign_review(save_draft(draft, by=by, verdicts=[VerdictInput(read.condition, verdict)]), by=by)


@pytest.fixture
def three(reader: User) -> list[Read]:
    """Return three signed studies; reader and model differ on the last."""
    answers = ((0.9, "present"), (0.1, "absent"), (0.8, "absent"))
    reads = [answered_study(reader, probability=p, seed=seed) for seed, (p, _) in enumerate(answers)]
    for read, (_, verdict) in zip(reads, answers, strict=True):
        sign(read, by=reader, verdict=verdict)
    return reads


def test_it_says_how_often_reader_and_model_agree(page: Client, reader: User, three: list[Read]) -> None:
    verdicts = figures.signed_verdicts(reader)
    overall = figures.agreement(verdicts)
    assert (overall.count, round(overall.value, 3)) == (3, 0.667)
    assert figures.sensitivity(verdicts).value == 1.0
    assert figures.specificity(verdicts).value == 0.5
    text = page.get("/figures/").content.decode()
    assert "67 %" in text
    assert text.count("<circle") >= 3


def test_calibration_puts_what_readers_found_beside_what_the_model_gave(
    reader: User, three: list[Read]
) -> None:
    bins = figures.calibration(figures.signed_verdicts(reader))
    assert [(round(mean, 2), share.count, share.value) for mean, share in bins] == [
        (0.1, 1, 0.0),
        (0.8, 1, 0.0),
        (0.9, 1, 1.0),
    ]


def test_readers_see_their_own_figures_and_overseers_all(
    client: Client, three: list[Read], charlie: User, administrator: User
) -> None:
    assert figures.signed_verdicts(charlie) == []
    assert len(figures.signed_verdicts(administrator)) == 3
    client.force_login(charlie)
    text = client.get("/figures/").content.decode()
    assert "Nothing to compare yet" in text
    assert "Rhea Reader" not in text
    client.force_login(administrator)
    assert "Rhea Reader" in client.get("/figures/").content.decode()


def test_whoever_is_not_signed_in_sees_no_figures(client: Client, db: None) -> None:
    assert client.get("/figures/").status_code == 302


def test_an_amended_verdict_counts_once(reader: User, three: list[Read]) -> None:
    from diagnosis.services.reviews import amend_review

    review = Review.objects.get(study=three[2].study)
    draft = amend_review(review, by=reader, reason="Looked again")
    verdicts = [VerdictInput(three[2].condition, "present")]
    sign_review(save_draft(draft, by=reader, verdicts=verdicts), by=reader)
    overall = figures.agreement(figures.signed_verdicts(reader))
    assert (overall.count, overall.value) == (3, 1.0)


def test_a_draft_left_lying_does_not_count_as_reading_time(reader: User, three: list[Read]) -> None:
    now = timezone.now()
    reviews = list(Review.objects.order_by("signed_at"))
    for review, minutes in zip(reviews, (2, 4, 600), strict=True):
        Review.objects.filter(pk=review.pk).update(started_at=now - timedelta(minutes=minutes), signed_at=now)
    assert figures.reading_minutes(figures.signed_verdicts(reader)) == 3.0


def test_a_shift_of_the_pixels_is_measured_in_spreads_of_the_training_images() -> None:
    training = [{"brightness": 0.4 + 0.1 * (n % 2)} for n in range(40)]
    moved = [{"brightness": 0.5} for _ in range(20)]
    (row,) = compare(training, moved)
    assert round(row.shift, 6) == 1.0
    assert row.is_clear
    assert compare(training, moved[:19]) == []


def test_what_comes_in_is_compared_with_the_training_fold(page: Client, reader: User, read: Read) -> None:
    assert "20 of each are needed" in page.get("/figures/").content.decode()
    kind = read.study.examination_type
    for seed in range(1, 21):
        more = answered_study(reader, seed=seed)
        type(more.study).objects.filter(pk=more.study.pk).update(examination_type=kind)
        DatasetItemFactory.create(examination_type=kind, content_key=more.instance.content_key)
    Analysis.objects.update(quality={"brightness": 0.5}, finished_at=timezone.now())
    text = page.get("/figures/").content.decode()
    assert "As in training" in text
    assert "21 images of the last 30 days against 20 images of the training fold" in text


def test_the_number_of_queries_does_not_grow_with_the_reviews(page: Client, reader: User, read: Read) -> None:
    sign(read, by=reader, verdict="present")
    with CaptureQueriesContext(connection) as few:
        page.get("/figures/")
    more = answered_study(reader, seed=5)
    type(more.study).objects.filter(pk=more.study.pk).update(examination_type=read.study.examination_type)
    sign(more, by=reader, verdict="absent")
    with CaptureQueriesContext(connection) as many:
        page.get("/figures/")
    assert len(many) - len(few) <= 3  # one more examination type

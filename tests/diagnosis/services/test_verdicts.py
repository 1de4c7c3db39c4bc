"""Boxes and reasons of a verdict: what may be stored, and how long it lasts."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from accounts.models import User
from diagnosis.models import FindingBox, Review, ReviewFinding
from diagnosis.services.reviews import amend_review, save_draft, sign_review, start_review
from diagnosis.services.verdicts import MOST_BOXES, BoxInput, InvalidReview, VerdictInput
from tests.diagnosis.views.conftest import Read, answered_study


@pytest.fixture
def read(reader: User) -> Read:
    return answered_study(reader, probability=0.9)


@pytest.fixture
def box(read: Read) -> BoxInput:
    """Return a box in the study's image, which has 90 rows of 120 pixels."""
    return BoxInput(read.instance.pk, left=10, top=20, width=30, height=40)


@pytest.fixture
def draft(read: Read, reader: User) -> Callable[..., Review]:
    def save(*boxes: BoxInput, verdict: str = "present", reason: str = "") -> Review:
        given = VerdictInput(read.condition, verdict, boxes=boxes, disagreement_reason=reason)
        return save_draft(start_review(read.study, by=reader), by=reader, verdicts=[given])

    return save


def places(review: Review) -> list[tuple[int, int, int, int]]:
    found = FindingBox.objects.filter(finding__review=review)
    return list(found.values_list("left", "top", "width", "height"))


def test_boxes_survive_signing_and_amending(
    draft: Callable[..., Review], box: BoxInput, reader: User
) -> None:
    signed = sign_review(draft(box, replace(box, left=50)), by=reader)
    assert places(signed) == [(10, 20, 30, 40), (50, 20, 30, 40)]
    amendment = amend_review(signed, by=reader, reason="Seen again")
    assert places(amendment) == places(signed)
    sign_review(amendment, by=reader)
    assert places(amendment) == places(signed)


def test_saving_again_replaces_the_boxes(draft: Callable[..., Review], box: BoxInput) -> None:
    draft(box, box)
    assert places(draft(replace(box, top=0))) == [(10, 0, 30, 40)]


@pytest.mark.parametrize(
    "wrong",
    [{"left": 91}, {"top": 51}, {"left": -1}, {"width": 0}, {"frame_index": 1}, {"instance": uuid4()}],
)
def test_a_box_must_lie_within_an_image_of_the_study(
    draft: Callable[..., Review], box: BoxInput, wrong: dict[str, int]
) -> None:
    with pytest.raises(InvalidReview, match="does not lie within"):
        draft(replace(box, **wrong))
    assert not FindingBox.objects.exists()


def test_a_box_in_another_study_is_refused(draft: Callable[..., Review], box: BoxInput, reader: User) -> None:
    other = answered_study(reader, seed=7)
    with pytest.raises(InvalidReview, match="does not lie within"):
        draft(replace(box, instance=other.instance.pk))


def test_countless_boxes_are_refused(draft: Callable[..., Review], box: BoxInput) -> None:
    with pytest.raises(InvalidReview, match="more than"):
        draft(*[box] * (MOST_BOXES + 1))


def test_a_reason_to_disagree_is_kept_where_the_verdict_differs(
    draft: Callable[..., Review], reader: User
) -> None:
    signed = sign_review(draft(verdict="absent", reason="artifact"), by=reader)
    given = ReviewFinding.objects.get(review=signed)
    assert given.differs_from_model
    assert given.disagreement_reason == "artifact"


def test_a_reason_to_disagree_is_dropped_where_the_verdict_agrees(
    draft: Callable[..., Review], reader: User
) -> None:
    signed = sign_review(draft(verdict="present", reason="artifact"), by=reader)
    assert ReviewFinding.objects.get(review=signed).disagreement_reason == ""


def test_an_unknown_reason_is_refused(draft: Callable[..., Review]) -> None:
    with pytest.raises(InvalidReview, match="reason to disagree"):
        draft(verdict="absent", reason="because")

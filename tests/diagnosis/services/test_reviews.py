"""Drafts, signatures and amendments."""

import pytest

from accounts.models import AuditEntry, Role
from diagnosis.models import AnalysisState, ConditionState, Review, ReviewState, Verdict
from diagnosis.services.reviews import (
    AlreadySigned,
    InvalidReview,
    VerdictInput,
    amend_review,
    discard_draft,
    save_draft,
    sign_review,
    start_review,
)
from medimaging.common.errors import Conflict, NotAllowed, StaleVersion
from tests.factories import (
    AnalysisFactory,
    ConditionFactory,
    FindingFactory,
    InstanceFactory,
    SeriesFactory,
    StudyFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(reader):
    return StudyFactory.create(owner=reader)


@pytest.fixture
def condition(study):
    return ConditionFactory.create(examination_type=study.examination_type)


@pytest.fixture
def answer(study, condition):
    instance = InstanceFactory.create(series=SeriesFactory.create(study=study))
    analysis = AnalysisFactory.create(instance=instance, state=AnalysisState.SUCCEEDED)
    return FindingFactory.create(analysis=analysis, condition=condition, probability=0.9, operating_point=0.5)


def draft_of(study, condition, *, by, verdict=Verdict.PRESENT):
    return save_draft(start_review(study, by=by), by=by, verdicts=[VerdictInput(condition, verdict)])


def test_starting_twice_gives_the_same_draft(study, reader):
    assert start_review(study, by=reader) == start_review(study, by=reader)
    assert Review.objects.count() == 1


def test_who_has_signed_begins_anew_only_once_another_reader_has_amended_it(study, condition, reader):
    signed = sign_review(draft_of(study, condition, by=reader), by=reader)
    with pytest.raises(AlreadySigned, match="Amend it"):
        start_review(study, by=reader)
    steward = UserFactory.create(role=Role.DATA_STEWARD)
    sign_review(amend_review(signed, by=steward, reason="Second look."), by=steward)
    assert start_review(study, by=reader).state == ReviewState.DRAFT


def test_a_saved_draft_replaces_what_it_said(study, condition, reader):
    review = draft_of(study, condition, by=reader)
    save_draft(
        review, by=reader, verdicts=[VerdictInput(condition, Verdict.ABSENT, "clear lungs")], comment=" fine "
    )
    (finding,) = review.findings.all()
    assert (finding.verdict, finding.note) == (Verdict.ABSENT, "clear lungs")
    assert (review.comment, review.revision) == ("fine", 3)


def test_a_signed_review_notes_whether_the_model_was_seen_and_what_it_had_suggested(
    study, condition, reader, answer
):
    review = sign_review(draft_of(study, condition, by=reader, verdict=Verdict.ABSENT), by=reader)
    assert review.state == ReviewState.SIGNED
    assert review.model_answer_seen is True
    assert review.model_version == answer.analysis.model_version
    assert review.findings.get().suggested_by_model is True
    assert AuditEntry.objects.get(action="review.sign").details["verdicts"] == {condition.code: "absent"}


def test_without_an_answer_nothing_was_seen_and_nothing_suggested(study, condition, reader):
    review = sign_review(draft_of(study, condition, by=reader), by=reader)
    assert review.model_answer_seen is False
    assert review.findings.get().suggested_by_model is None


def test_a_blind_first_reader_signs_the_first_read_without_having_seen_the_model(
    study, condition, reader, answer
):
    reader.blind_first = True
    reader.save()
    review = sign_review(draft_of(study, condition, by=reader), by=reader)
    assert (review.model_answer_seen, review.model_version) == (False, None)
    second = sign_review(amend_review(review, by=reader, reason="seen the model"), by=reader)
    assert second.model_answer_seen is True


def test_an_empty_review_cannot_be_signed(study, reader):
    with pytest.raises(InvalidReview, match="holds no verdict"):
        sign_review(start_review(study, by=reader), by=reader)


def test_training_consent_is_off_unless_given(study, condition, reader):
    assert draft_of(study, condition, by=reader).training_consent is False


def test_a_signed_review_cannot_be_changed_or_signed_again_or_discarded(study, condition, reader):
    review = sign_review(draft_of(study, condition, by=reader), by=reader)
    for act in (
        lambda: save_draft(review, by=reader, verdicts=[]),
        lambda: sign_review(review, by=reader),
        lambda: discard_draft(review, by=reader),
    ):
        with pytest.raises(Conflict, match="is signed and cannot be changed"):
            act()


def test_a_change_based_on_an_old_revision_is_refused(study, condition, reader):
    review = draft_of(study, condition, by=reader)
    with pytest.raises(StaleVersion):
        save_draft(review, by=reader, verdicts=[], expected_revision=1)
    assert review.findings.count() == 1


def test_an_amendment_takes_the_place_of_what_it_amends_and_both_are_kept(study, condition, reader):
    first = sign_review(draft_of(study, condition, by=reader), by=reader)
    draft = amend_review(first, by=reader, reason="Looked again.")
    assert [f.verdict for f in draft.findings.all()] == [Verdict.PRESENT]
    assert list(Review.objects.current()) == [first]
    save_draft(draft, by=reader, verdicts=[VerdictInput(condition, Verdict.ABSENT)])
    second = sign_review(draft, by=reader)
    assert list(Review.objects.current()) == [second]
    first.refresh_from_db()
    assert first.findings.get().verdict == Verdict.PRESENT
    assert AuditEntry.objects.get(action="review.amend").reason == "Looked again."


def test_a_review_is_amended_once_and_only_with_a_reason(study, condition, reader):
    first = sign_review(draft_of(study, condition, by=reader), by=reader)
    with pytest.raises(InvalidReview, match="needs a reason"):
        amend_review(first, by=reader, reason="  ")
    sign_review(amend_review(first, by=reader, reason="once"), by=reader)
    with pytest.raises(Conflict, match="amended already"):
        amend_review(first, by=reader, reason="twice")


def test_a_condition_of_another_examination_or_proposed_by_another_or_given_twice_is_refused(
    study, condition, reader, charlie
):
    review = start_review(study, by=reader)
    foreign = ConditionFactory.create()
    proposed = ConditionFactory.create(
        examination_type=study.examination_type, state=ConditionState.PROPOSED, proposed_by=charlie
    )
    for chosen in ([foreign], [proposed], [condition, condition]):
        with pytest.raises(InvalidReview):
            save_draft(review, by=reader, verdicts=[VerdictInput(c, Verdict.PRESENT) for c in chosen])
    assert review.findings.count() == 0


def test_a_stranger_can_neither_start_nor_touch_a_review(study, condition, reader, charlie):
    review = draft_of(study, condition, by=reader)
    with pytest.raises(NotAllowed):
        start_review(study, by=charlie)
    with pytest.raises(NotAllowed):
        save_draft(review, by=charlie, verdicts=[])
    with pytest.raises(NotAllowed):
        sign_review(review, by=charlie)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.INTEGRATOR])
def test_who_does_not_read_studies_does_not_review(study, role):
    with pytest.raises(NotAllowed):
        start_review(study, by=UserFactory.create(role=role))


def test_a_discarded_draft_is_gone_and_recorded(study, condition, reader):
    discard_draft(draft_of(study, condition, by=reader), by=reader)
    assert not Review.objects.exists()
    assert AuditEntry.objects.filter(action="review.discard").exists()

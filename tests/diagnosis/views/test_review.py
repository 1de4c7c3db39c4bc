"""Reading: drafts, verdicts, proposals, signing, amendments."""

from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from diagnosis.models import Condition, ConditionState, Review, ReviewState
from mlcore.models import ExaminationType
from tests.diagnosis.views.conftest import Read, answered_study
from tests.factories import ConditionFactory

HTMX = {"HX-Request": "true"}


def review_url(read: Read) -> str:
    return reverse("diagnosis:study-review", args=[read.study.pk])


def verdict(read: Read, word: str = "absent", **more: str) -> dict[str, str]:
    return {f"verdict-{read.condition.pk}": word, **more}


def test_a_draft_is_stored_and_shown_again(page: Client, read: Read) -> None:
    sent = verdict(read, comment="Rotated", **{f"note-{read.condition.pk}": "left base"})
    assert page.post(review_url(read), sent).status_code == 302
    review = Review.objects.get()
    assert review.state == ReviewState.DRAFT
    assert not review.training_consent
    text = page.get(reverse("diagnosis:study", args=[read.study.pk])).content.decode()
    assert f'id="absent-{read.condition.pk}" value="absent" checked' in text
    assert "left base" in text
    assert "Rotated" in text


def test_a_change_is_saved_in_the_background_and_returns_the_new_revision(page: Client, read: Read) -> None:
    first = page.post(review_url(read), verdict(read), headers=HTMX).content.decode()
    revision = Review.objects.get().revision
    assert f'id="review-revision" value="{revision}"' in first
    again = page.post(review_url(read), verdict(read, "present", revision=str(revision)), headers=HTMX)
    assert again.status_code == 200
    assert Review.objects.get().findings.get().verdict == "present"


def test_a_page_that_shows_an_older_draft_is_refused_within_the_page(page: Client, read: Read) -> None:
    page.post(review_url(read), verdict(read))
    stale = page.post(review_url(read), verdict(read, "present", revision="1"), headers=HTMX)
    assert stale.status_code == 412
    assert stale["HX-Retarget"] == "#notices"
    assert "changed since you loaded it" in stale.content.decode()
    unseen = page.post(review_url(read), verdict(read, "present"), headers=HTMX)
    assert unseen.status_code == 412
    assert Review.objects.get().findings.get().verdict == "absent"


def test_signing_stores_what_was_sent_and_shows_it(page: Client, read: Read, reader: User) -> None:
    response = page.post(review_url(read), verdict(read, action="sign", training_consent="on"), follow=True)
    review = Review.objects.get()
    assert review.state == ReviewState.SIGNED
    assert review.training_consent
    assert review.model_answer_seen
    text = response.content.decode()
    assert "Signed reviews" in text
    assert "the model had suggested it" in text
    assert "review-form" not in text


def test_a_signature_that_is_sent_again_signs_nothing_a_second_time(page: Client, read: Read) -> None:
    sent = verdict(read, "present", action="sign")
    page.post(review_url(read), sent)
    again = page.post(review_url(read), sent | verdict(read, "absent"))
    assert again.status_code == 409
    assert "You have signed this study already." in again.content.decode()
    saved = page.post(review_url(read), verdict(read, "absent"), headers=HTMX)
    assert saved.status_code == 409
    assert Review.objects.get().findings.get().verdict == "present"


def test_after_signing_the_reader_learns_how_far_the_next_training_is(
    transactional_db: None, lifted_audit_triggers: None, page: Client, read: Read
) -> None:
    ExaminationType.objects.update(trains_after=3)
    shown = page.get(reverse("diagnosis:study", args=[read.study.pk])).content.decode()
    assert "0 of 3 signed until the next training." in shown
    assert "counts with your consent alone" in shown
    signed = page.post(review_url(read), verdict(read, action="sign", training_consent="on"), follow=True)
    assert "1 of 3 images are signed until the next training." in signed.content.decode()


def test_without_consent_a_signed_review_does_not_count(page: Client, read: Read) -> None:
    text = page.post(review_url(read), verdict(read, action="sign"), follow=True).content.decode()
    assert "Without your consent to training it does not count toward the next training." in text
    assert "images are signed" not in text


def test_where_trainings_are_begun_by_hand_nothing_is_counted(page: Client, read: Read) -> None:
    ExaminationType.objects.update(trains_after=0)
    url = reverse("diagnosis:study", args=[read.study.pk])
    assert "until the next training" not in page.get(url).content.decode()
    text = page.post(review_url(read), verdict(read, action="sign", training_consent="on"), follow=True)
    assert "until the next training" not in text.content.decode()


def test_what_is_stored_in_the_background_is_never_signed(page: Client, read: Read) -> None:
    page.post(review_url(read), verdict(read, action="sign"), headers=HTMX)
    assert Review.objects.get().state == ReviewState.DRAFT


def test_sign_and_next_leads_to_the_next_unread_study(page: Client, read: Read, reader: User) -> None:
    older = answered_study(reader, seed=2)
    assert older.study.created_at > read.study.created_at
    response = page.post(review_url(older), verdict(older, action="sign_next"))
    assert response["Location"] == reverse("diagnosis:study", args=[read.study.pk])
    last = page.post(review_url(read), verdict(read, action="sign_next"), follow=True)
    assert last.redirect_chain[-1][0] == "/"
    assert "last unread study" in last.content.decode()


def test_a_finding_is_added_from_the_list(page: Client, read: Read) -> None:
    other = ConditionFactory.create(examination_type=read.study.examination_type, name="Effusion")
    answer = page.post(
        review_url(read), verdict(read, action="add", add_condition=str(other.pk)), headers=HTMX
    )
    assert 'id="reading"' in answer.content.decode()
    given = {f.condition.name: f.verdict for f in Review.objects.get().findings.all()}
    assert given == {"Pneumonia": "absent", "Effusion": "present"}


def test_an_unknown_condition_is_proposed_and_used_at_once(page: Client, read: Read, reader: User) -> None:
    sent = verdict(read, action="propose", new_condition="Hilar mass")
    answer = page.post(review_url(read), sent, headers=HTMX).content.decode()
    proposed = Condition.objects.get(name="Hilar mass")
    assert (proposed.state, proposed.proposed_by) == (ConditionState.PROPOSED, reader)
    assert Review.objects.get().findings.filter(condition=proposed, verdict="present").exists()
    assert "proposed</span>" in answer


def test_a_proposal_without_a_name_is_refused_in_words(page: Client, read: Read) -> None:
    answer = page.post(review_url(read), verdict(read, action="propose", new_condition=" "), headers=HTMX)
    assert answer.status_code == 422
    assert "not a usable name" in answer.content.decode()


@pytest.mark.parametrize("field", ["verdict-{foreign}", "verdict-00000000-0000-0000-0000-000000000000"])
def test_a_verdict_on_a_foreign_condition_is_not_stored(page: Client, read: Read, field: str) -> None:
    foreign = ConditionFactory.create()
    page.post(review_url(read), verdict(read) | {field.format(foreign=foreign.pk): "present"})
    assert [f.condition for f in Review.objects.get().findings.all()] == [read.condition]


def test_an_amendment_needs_a_reason_and_keeps_the_first_review(page: Client, read: Read) -> None:
    page.post(review_url(read), verdict(read, action="sign"))
    first = Review.objects.get()
    url = reverse("diagnosis:review-amend", args=[first.pk])
    assert page.post(url, {"reason": " "}).status_code == 422
    amended = page.post(url, {"reason": "Second look"}, follow=True).content.decode()
    assert "Reason: Second look" in amended
    draft = Review.objects.get(state=ReviewState.DRAFT)
    page.post(review_url(read), verdict(read, "present", action="sign", revision=str(draft.revision)))
    text = page.get(reverse("diagnosis:study", args=[read.study.pk])).content.decode()
    assert "Amendment, because: Second look" in text
    assert "Earlier versions" in text
    assert Review.objects.get(pk=first.pk).findings.get().verdict == "absent"


def test_a_draft_can_be_discarded_but_a_signed_review_cannot(page: Client, read: Read) -> None:
    page.post(review_url(read), verdict(read))
    page.post(reverse("diagnosis:review-discard", args=[Review.objects.get().pk]))
    assert not Review.objects.exists()
    page.post(review_url(read), verdict(read, action="sign"))
    refused = page.post(reverse("diagnosis:review-discard", args=[Review.objects.get().pk]))
    assert refused.status_code == 409
    assert Review.objects.exists()


def test_a_blind_reader_sees_the_answer_after_signing(page: Client, read: Read, reader: User) -> None:
    User.objects.filter(pk=reader.pk).update(blind_first=True)
    saved = page.post(review_url(read), verdict(read), headers=HTMX).content.decode()
    assert "83 %" not in saved
    draft = Review.objects.get()
    signed = page.post(
        review_url(read), verdict(read, action="sign", revision=str(draft.revision)), follow=True
    )
    assert "83 %" in signed.content.decode()
    assert not Review.objects.get().model_answer_seen


def test_sign_and_next_stays_in_the_list_that_the_reader_came_from(
    page: Client, read: Read, reader: User
) -> None:
    wanted = answered_study(reader, seed=3, probability=0.7)
    answered_study(reader, seed=4, probability=0.1)
    answered_study(reader, seed=5, probability=0.9)
    query = "tab=unread&sort=probability"
    address = f"{review_url(read)}?{urlencode({'list': query})}"
    answer = page.post(address, verdict(read, action="sign_next"))
    assert answer["Location"] == f"/studies/{wanted.study.pk}/?{urlencode({'list': query})}"
    shown = page.get(answer["Location"]).content.decode()
    assert f"/studies/{wanted.study.pk}/next/?list=tab%3Dunread%26sort%3Dprobability" in shown
    assert 'href="/?tab=unread&amp;sort=probability"' in shown


def test_at_the_end_of_a_list_the_reader_is_led_back_to_it(page: Client, read: Read) -> None:
    query = urlencode({"list": "tab=unread"})
    answer = page.post(f"{review_url(read)}?{query}", verdict(read, action="sign_next"))
    assert answer["Location"] == "/?tab=unread"
    beside = page.get(f"/studies/{read.study.pk}/next/?{query}", follow=True)
    assert beside.redirect_chain[0][0] == f"/studies/{read.study.pk}/?{query}"
    assert "last study of the list" in beside.content.decode()


def test_signing_without_a_verdict_is_said_where_the_verdict_is_given(page: Client, read: Read) -> None:
    answer = page.post(review_url(read), {"action": "sign_next", "comment": "Rotated."}, follow=True)
    assert answer.redirect_chain[-1][0] == f"/studies/{read.study.pk}/"
    shown = answer.content.decode()
    assert "The review holds no verdict." in shown
    assert "Rotated." in shown
    assert not Review.objects.filter(state=ReviewState.SIGNED).exists()


@pytest.mark.parametrize("direction", ["next", "previous"])
def test_a_stranger_is_led_nowhere(client: Client, charlie: User, read: Read, direction: str) -> None:
    client.force_login(charlie)
    assert client.get(f"/studies/{read.study.pk}/{direction}/?list=tab%3Dall").status_code == 404

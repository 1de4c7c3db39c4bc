"""The report of a signed review: what it states, who may see it, and how it is verified."""

import re

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from diagnosis.models import Analysis, AnalysisState, Finding, Review
from diagnosis.selectors.report import content_hash
from diagnosis.services.reviews import VerdictInput, amend_review, save_draft, sign_review, start_review
from tests.diagnosis.views.conftest import Read

PRELIMINARY = (
    "Preliminary output of a model. Not for stand-alone clinical decisions. Does not rule out disease."
)


@pytest.fixture
def signed(read: Read, reader: User) -> Review:
    """Return a signed review of the study, which differs from the model."""
    verdicts = [VerdictInput(read.condition, "absent", "clear")]
    draft = save_draft(
        start_review(read.study, by=reader), by=reader, verdicts=verdicts, comment="Rotated <b>"
    )
    return sign_review(draft, by=reader)


def page_of(review: Review, client: Client) -> str:
    return client.get(f"/reviews/{review.pk}/report/").content.decode()


def test_it_states_who_signed_what_on_which_answer(page: Client, signed: Review, read: Read) -> None:
    text = page_of(signed, page)
    for words in (
        "Rhea Reader",
        "Absent",
        "clear",
        "Rotated &lt;b&gt;",
        "Suggested, probability 83 %",
        PRELIMINARY,
    ):
        assert words in text
    assert "Shows where the score is sensitive. Not an outline of disease." in text
    assert f"/findings/{read.finding.pk}/overlay.png" in text
    entry = AuditEntry.objects.get(action="review.sign")
    for fact in (str(signed.pk), content_hash(signed), f"{entry.sequence}: {entry.hash}"):
        assert fact in text


def test_an_answer_below_the_operating_point_says_that_it_is_not_normal(page: Client, signed: Review) -> None:
    Finding.objects.update(probability=0.1)
    assert "No finding reached the operating point. This does not mean normal." in page_of(signed, page)


def test_a_withheld_answer_says_why(page: Client, signed: Review) -> None:
    Analysis.objects.update(state=AnalysisState.WITHHELD, withheld_reason="out_of_distribution")
    text = page_of(signed, page)
    assert "This image is too far from the images this model was validated on" in text
    assert "83 %" not in text


def test_an_amended_report_leads_to_the_amendment_and_keeps_what_was_before(
    page: Client, signed: Review, reader: User, read: Read
) -> None:
    draft = amend_review(signed, by=reader, reason="Looked again")
    later = sign_review(
        save_draft(draft, by=reader, verdicts=[VerdictInput(read.condition, "present")]), by=reader
    )
    assert "This review was amended on" in page_of(signed, page)
    text = page_of(later, page)
    assert "Amendment, because: Looked again" in text
    assert text.index("Present") < text.index("Before, signed on") < text.index("Absent")
    assert page.get(f"/reviews/{later.pk}/report.pdf").content.startswith(b"%PDF-")


def test_the_pdf_holds_both_pictures_and_its_taking_out_is_recorded(
    page: Client, signed: Review, read: Read
) -> None:
    answer = page.get(f"/reviews/{signed.pk}/report.pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert len(re.findall(rb"/Subtype /Image", answer.content)) == 2
    entry = AuditEntry.objects.get(action="review.report")
    assert entry.details == {"study": str(read.study.pk), "content_sha256": content_hash(signed)}


def test_the_hash_changes_with_anything_that_was_signed(signed: Review) -> None:
    before = content_hash(Review.objects.get(pk=signed.pk))
    assert before == content_hash(Review.objects.get(pk=signed.pk))
    Review.objects.filter(pk=signed.pk).update(comment="Changed in the database")
    assert content_hash(Review.objects.get(pk=signed.pk)) != before


@pytest.mark.parametrize("path", ["report/", "report.pdf"])
def test_a_strangers_report_does_not_exist(client: Client, charlie: User, signed: Review, path: str) -> None:
    client.force_login(charlie)
    assert client.get(f"/reviews/{signed.pk}/{path}").status_code == 404
    client.logout()
    assert client.get(f"/reviews/{signed.pk}/{path}").status_code == 302


@pytest.mark.parametrize("path", ["report/", "report.pdf"])
def test_a_draft_has_no_report(page: Client, read: Read, reader: User, path: str) -> None:
    draft = start_review(read.study, by=reader)
    assert page.get(f"/reviews/{draft.pk}/{path}").status_code == 404


def test_a_blind_reader_sees_no_colleagues_report_before_the_own_read(
    client: Client, charlie: User, signed: Review, read: Read
) -> None:
    read.study.readers.add(charlie)
    client.force_login(charlie)
    assert client.get(f"/reviews/{signed.pk}/report/").status_code == 200
    User.objects.filter(pk=charlie.pk).update(blind_first=True)
    assert client.get(f"/reviews/{signed.pk}/report/").status_code == 404

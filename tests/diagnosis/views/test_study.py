"""The page of a study: its words, its parts, and what is held back."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEntry, User
from diagnosis.models import Analysis, AnalysisState, Finding, Study
from diagnosis.services.reviews import VerdictInput, save_draft, sign_review, start_review
from mlcore.engine.inference.refusal import INVERTED
from mlcore.models import ServingProcess
from tests.diagnosis.selectors.test_resemblance import EAST, NORTH, place, sign
from tests.diagnosis.views.conftest import Read, answered_study
from tests.factories import ConditionFactory, InstanceFactory, SimilarInstanceFactory

PRELIMINARY = (
    "Preliminary output of a model. Not for stand-alone clinical decisions. Does not rule out disease."
)
NO_FINDING = "No finding reached the operating point. This does not mean normal."
WITHHELD = "This image is too far from the images this model was validated on, so no result is shown."
SALIENCY = "Shows where the score is sensitive. Not an outline of disease."


def study_url(read: Read) -> str:
    return reverse("diagnosis:study", args=[read.study.pk])


def text_of(client: Client, read: Read) -> str:
    return client.get(study_url(read)).content.decode()


def test_a_suggested_finding_stands_with_all_its_numbers(page: Client, read: Read) -> None:
    text = text_of(page, read)
    assert "Suggested</span>" in text
    assert "Calibrated probability 83 %, operating point 50 %" in text
    assert 'x1="50.00"' in text
    assert "sensitivity 96 % (94–98)" in text
    assert "specificity 91 %" in text
    assert str(read.analysis.model_version) in text
    for words in (PRELIMINARY, SALIENCY):
        assert words in text
    assert NO_FINDING not in text


def test_no_finding_is_not_called_normal(page: Client, read: Read) -> None:
    Finding.objects.update(probability=0.2)
    text = text_of(page, read)
    assert "Not suggested</span>" in text
    assert NO_FINDING in text


def test_a_withheld_answer_says_so_and_shows_no_number(page: Client, read: Read) -> None:
    Finding.objects.all().delete()
    Analysis.objects.update(
        state=AnalysisState.WITHHELD, withheld_reason="out_of_distribution", withheld_message=WITHHELD
    )
    text = text_of(page, read)
    assert WITHHELD in text
    assert "Calibrated probability" not in text
    Analysis.objects.update(withheld_message="This looks like an adult's radiograph.")
    text = text_of(page, read)
    assert "This looks like an adult&#x27;s radiograph." in text
    assert WITHHELD not in text


def test_why_an_answer_is_withheld_is_said_in_the_readers_language(page: Client, read: Read) -> None:
    Analysis.objects.update(
        state=AnalysisState.WITHHELD, withheld_reason="inverted", withheld_message=INVERTED
    )
    text = page.get(study_url(read), headers={"Accept-Language": "de"}).content.decode()
    assert "Die Grauwerte sind umgekehrt" in text
    assert INVERTED not in text


def test_a_failed_analysis_says_why_and_offers_to_retry(page: Client, read: Read, reader: User) -> None:
    Finding.objects.all().delete()
    Analysis.objects.update(
        state=AnalysisState.FAILED, failure_code="unreadable_image", failure_message="The file is damaged."
    )
    text = text_of(page, read)
    assert "The file is damaged." in text
    assert "Retry the analysis" in text
    response = page.post(reverse("diagnosis:analysis-retry", args=[read.analysis.pk]))
    assert response["Location"] == study_url(read)
    assert Analysis.objects.get().state == AnalysisState.PENDING


def test_retrying_what_has_not_failed_is_refused_in_words(page: Client, read: Read) -> None:
    response = page.post(reverse("diagnosis:analysis-retry", args=[read.analysis.pk]))
    assert response.status_code == 409
    assert "This was not done" in response.content.decode()


def test_a_waiting_page_asks_again_until_the_answer_is_there(page: Client, read: Read) -> None:
    Analysis.objects.update(state=AnalysisState.PENDING, requested_at=timezone.now() - timedelta(minutes=1))
    assert 'hx-trigger="every 1500ms"' in text_of(page, read)
    url = reverse("diagnosis:study-reading", args=[read.study.pk])
    htmx = {"HX-Request": "true"}
    asked = {"analysis": read.analysis.pk}
    assert page.get(url, asked | {"state": "pending"}, headers=htmx).status_code == 204
    Analysis.objects.update(state=AnalysisState.RUNNING, lease_expires_at="2100-01-01T00:00Z")
    assert "Being analyzed" in page.get(url, asked | {"state": "pending"}, headers=htmx).content.decode()
    Analysis.objects.update(state=AnalysisState.SUCCEEDED)
    answered = page.get(url, asked | {"state": "running"}, headers=htmx).content.decode()
    assert "83 %" in answered
    assert "every 1500ms" not in answered


def test_similar_images_show_distance_and_what_was_signed(page: Client, read: Read, reader: User) -> None:
    other = answered_study(reader, seed=5)
    draft = start_review(other.study, by=reader)
    save_draft(draft, by=reader, verdicts=[VerdictInput(other.condition, "uncertain")])
    sign_review(draft, by=reader)
    SimilarInstanceFactory.create(analysis=read.analysis, instance=other.instance, distance=0.1234)
    text = text_of(page, read)
    assert "0.123" in text
    assert "<strong>Uncertain</strong>" in text


def test_a_similar_image_the_reader_may_not_see_is_not_shown(page: Client, read: Read, charlie: User) -> None:
    hidden = InstanceFactory.create(series__study__owner=charlie)
    SimilarInstanceFactory.create(analysis=read.analysis, instance=hidden)
    assert str(hidden.pk) not in text_of(page, read)


def test_the_patients_other_studies_stand_apart(page: Client, read: Read, reader: User) -> None:
    prior = answered_study(reader, seed=9)
    Study.objects.filter(pk=prior.study.pk).update(patient=read.study.patient)
    response = page.get(study_url(read))
    assert [view.study.pk for view in response.context["priors"]] == [prior.study.pk]
    assert [view.instance_id for view in response.context["priors"]] == [prior.instance.pk]


def test_another_image_of_the_study_can_be_chosen(page: Client, read: Read) -> None:
    second = InstanceFactory.create(series=read.instance.series)
    response = page.get(study_url(read), {"instance": str(second.pk)})
    assert response.context["shown"].instance == second
    assert "No model is active" in response.content.decode()
    assert page.get(study_url(read), {"instance": "nonsense"}).status_code == 404


def test_neighbors_lead_through_the_worklist(page: Client, read: Read, reader: User) -> None:
    newer = answered_study(reader, seed=3)
    assert page.get(study_url(read)).context["neighbors"].previous == newer.study.pk
    assert page.get(study_url(newer)).context["neighbors"].next == read.study.pk


def test_a_blind_readers_page_holds_nothing_of_the_answer(page: Client, read: Read, reader: User) -> None:
    User.objects.filter(pk=reader.pk).update(blind_first=True)
    SimilarInstanceFactory.create(
        analysis=read.analysis, instance=InstanceFactory.create(series__study__owner=reader)
    )
    text = text_of(page, read)
    assert "You read this study first." in text
    for trace in (
        "83 %",
        "82.",
        "overlay.png",
        "distance",
        str(read.analysis.model_version),
        "Suggested</span>",
    ):
        assert trace not in text, trace
    polled = page.get(reverse("diagnosis:study-reading", args=[read.study.pk])).content.decode()
    assert "83 %" not in polled


def test_a_page_asks_for_its_answer_quickly_then_slowly(
    page: Client, read: Read, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    Analysis.objects.update(state=AnalysisState.PENDING, finished_at=None, requested_at=timezone.now())
    text = text_of(page, read)
    assert "every 250ms" in text
    url = reverse("diagnosis:study-reading", args=[read.study.pk])
    sent = {"instance": read.instance.pk, "analysis": read.analysis.pk, "state": "pending", "fresh": "1"}
    with django_assert_max_num_queries(6):
        assert page.get(url, sent).status_code == 204
    Analysis.objects.update(requested_at=timezone.now() - timedelta(seconds=6))
    assert "every 1500ms" in page.get(url, sent).content.decode()
    del sent["fresh"]
    assert page.get(url, sent).status_code == 204
    Analysis.objects.update(state=AnalysisState.SUCCEEDED, finished_at=timezone.now())
    assert page.get(url, sent).status_code == 200
    for other in ({"analysis": "none"}, {"analysis": answered_study(read.study.owner, seed=9).analysis.pk}):
        assert page.get(url, sent | other).status_code == 200


def test_a_page_that_waits_says_so_when_no_worker_lives(page: Client, read: Read) -> None:
    warning = "No worker is running at the moment"
    Analysis.objects.update(state=AnalysisState.PENDING, finished_at=None, requested_at=timezone.now())
    assert warning not in text_of(page, read)
    Analysis.objects.update(requested_at=timezone.now() - timedelta(seconds=6))
    assert warning in text_of(page, read)
    ServingProcess.objects.create(name="worker:1", started_at=timezone.now(), seen_at=timezone.now())
    assert warning not in text_of(page, read)


def test_the_stored_information_is_changed_with_a_reason(page: Client, read: Read) -> None:
    values = {"description": "Left side down", "patient_age_years": "4", "patient_sex": "F", "revision": "1"}
    url = reverse("diagnosis:study-edit", args=[read.study.pk])
    refused = page.post(url, values | {"reason": ""})
    assert refused.status_code == 422
    assert "This field is required" in refused.content.decode()
    assert page.post(url, values | {"reason": "Order form"}).status_code == 302
    study = Study.objects.get(pk=read.study.pk)
    assert (study.description, study.patient_age_years, study.patient.sex) == ("Left side down", 4, "F")
    assert AuditEntry.objects.get(action="study.edit").reason == "Order form"
    assert "Order form" in text_of(page, read)


def test_a_change_to_information_that_somebody_else_changed_is_refused(page: Client, read: Read) -> None:
    Study.objects.update(revision=7)
    values = {"description": "x", "reason": "y", "revision": "1"}
    response = page.post(reverse("diagnosis:study-edit", args=[read.study.pk]), values)
    assert response.status_code == 412
    assert "changed since you loaded it" in response.content.decode()


@pytest.mark.parametrize("image_count", [1, 4])
def test_the_number_of_queries_does_not_grow_with_the_images(
    page: Client, read: Read, image_count: int, django_assert_max_num_queries: object
) -> None:
    InstanceFactory.create_batch(image_count - 1, series=read.instance.series)
    with django_assert_max_num_queries(32):  # type: ignore[operator]
        page.get(study_url(read))


def test_the_page_names_the_signed_cases_that_the_image_resembles(
    page: Client, read: Read, reader: User
) -> None:
    covid = ConditionFactory.create(examination_type=read.study.examination_type, name="COVID-19")
    read.analysis.refresh_from_db()
    place(read.instance, EAST)
    sign(read.analysis, covid, 10, where=EAST)
    sign(read.analysis, covid, 10, where=NORTH, verdict="absent")
    shown = text_of(page, read)
    assert "Resembles signed cases of" in shown
    assert "Of 10 signed images with it, 10 would be named by the same rule" in shown
    assert "withheld its answer about this image, and this is none" not in shown
    Analysis.objects.filter(pk=read.analysis.pk).update(
        state=AnalysisState.WITHHELD, withheld_reason="out_of_distribution"
    )
    shown = text_of(page, read)
    assert WITHHELD in shown
    assert "Resembles signed cases of" in shown
    assert "withheld its answer about this image, and this is none" in shown
    User.objects.update(blind_first=True)
    assert "Resembles signed cases of" not in text_of(page, read)

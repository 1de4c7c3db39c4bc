"""The maps beside a finding: what each was measured to show, asked for by a button."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from diagnosis.models import Analysis, Explanation, ExplanationState
from diagnosis.selectors.explanations import NOT_MEASURED
from tests.diagnosis.views.conftest import Read
from tests.factories import ExplanationFactory

HTMX = {"HX-Request": "true"}


@pytest.fixture
def mapped(read: Read) -> Read:
    Analysis.objects.update(saliency_method="class_activation_map")
    return read


def maps_url(read: Read) -> str:
    return reverse("diagnosis:finding-maps", args=[read.finding.pk])


def study_text(client: Client, read: Read) -> str:
    return client.get(reverse("diagnosis:study", args=[read.study.pk])).content.decode()


def test_every_map_stands_with_what_it_was_measured_to_show(page: Client, mapped: Read) -> None:
    text = study_text(page, mapped)
    assert text.count(str(NOT_MEASURED)) == 5  # of each of four methods, and for the overlay's words
    for name in ("Grad-CAM++", "Occlusion", "Integrated gradients"):
        assert f"Draw {name}" in text


def test_asking_for_a_map_shows_it_being_drawn_until_it_is(page: Client, mapped: Read) -> None:
    text = page.post(maps_url(mapped), {"method": "occlusion"}, headers=HTMX).content.decode()
    assert "Being drawn" in text
    assert 'hx-trigger="every 1s"' in text
    explanation = Explanation.objects.get()
    Explanation.objects.update(state=ExplanationState.SUCCEEDED, saliency_key=mapped.finding.saliency_key)
    text = page.get(maps_url(mapped), headers=HTMX).content.decode()
    overlay = reverse("diagnosis:explanation-overlay", args=[explanation.pk])
    assert f'data-map="{overlay}"' in text
    assert "hx-trigger" not in text
    assert page.get(overlay).content.startswith(b"\x89PNG")


def test_without_script_the_form_leads_back_to_the_study(page: Client, mapped: Read) -> None:
    response = page.post(maps_url(mapped), {"method": "occlusion"}, follow=True)
    assert "Being drawn" in response.content.decode()


def test_a_method_that_is_none_is_refused_with_a_sentence(page: Client, mapped: Read) -> None:
    response = page.post(maps_url(mapped), {"method": "tea_leaves"}, headers=HTMX)
    assert response.status_code == 422
    assert "listed with the finding" in response.content.decode()


def test_a_map_that_failed_says_why_and_can_be_asked_for_again(page: Client, mapped: Read) -> None:
    ExplanationFactory.create(
        finding=mapped.finding, state="failed", failure_code="worker_lost", failure_message="It stopped."
    )
    text = study_text(page, mapped)
    assert "It stopped." in text
    assert "Draw Occlusion" in text


def test_to_a_stranger_there_are_no_maps(client: Client, charlie: User, mapped: Read) -> None:
    drawn = ExplanationFactory.create(
        finding=mapped.finding, state="succeeded", saliency_key=mapped.finding.saliency_key
    )
    client.force_login(charlie)
    assert client.get(maps_url(mapped)).status_code == 404
    assert client.post(maps_url(mapped), {"method": "occlusion"}).status_code == 404
    assert client.get(reverse("diagnosis:explanation-overlay", args=[drawn.pk])).status_code == 404


def test_who_reads_blind_gets_no_maps(page: Client, reader: User, mapped: Read) -> None:
    drawn = ExplanationFactory.create(
        finding=mapped.finding, state="succeeded", saliency_key=mapped.finding.saliency_key
    )
    reader.blind_first = True
    reader.save()
    assert 'id="maps"' not in study_text(page, mapped)
    assert page.get(maps_url(mapped)).status_code == 404
    assert page.get(reverse("diagnosis:explanation-overlay", args=[drawn.pk])).status_code == 404

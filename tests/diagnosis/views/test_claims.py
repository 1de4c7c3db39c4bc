"""The open page of a study says who reads it, and says so again once a minute."""

from django.test import Client
from django.urls import reverse

from accounts.models import User
from diagnosis.models import Claim
from tests.diagnosis.views.conftest import Read


def test_the_page_claims_once_when_it_opens_and_its_answer_waits_a_minute(page: Client, read: Read) -> None:
    opened = page.get(reverse("diagnosis:study", args=[read.study.pk])).content.decode()
    assert 'hx-trigger="load delay:800ms, every 60s"' in opened
    answer = page.post(reverse("diagnosis:study-claim", args=[read.study.pk])).content.decode()
    assert 'hx-trigger="every 60s"' in answer
    assert Claim.objects.get().study == read.study


def test_a_stranger_claims_nothing(client: Client, charlie: User, read: Read) -> None:
    client.force_login(charlie)
    for name in ("study-claim", "study-take"):
        assert client.post(reverse(f"diagnosis:{name}", args=[read.study.pk])).status_code == 404
    assert not Claim.objects.exists()

"""Readers read once what the models are for, before anything else; it is recorded."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from mlcore.models import ModelVersion
from tests.diagnosis.views.conftest import Read
from tests.factories import ApiTokenFactory, UserFactory

WELCOME = "/intended-use/"


@pytest.fixture
def newcomer(db: None) -> User:
    """Return a reader who has not read the intended use."""
    return UserFactory.create(intended_use_acknowledged_at=None)


def test_the_first_visit_shows_the_intended_use_and_leads_on_where_the_reader_was_going(
    client: Client, newcomer: User, read: Read
) -> None:
    ModelVersion.objects.update(intended_use="For <children>.", limits=["One hospital."])
    read.study.readers.add(newcomer)
    client.force_login(newcomer)
    study = reverse("diagnosis:study", args=[read.study.pk])
    response = client.get(f"{study}?instance={read.instance.pk}", follow=True)
    text = response.content.decode()
    for words in ("For &lt;children&gt;.", "One hospital.", "Does not rule out disease.", "not mean normal"):
        assert words in text
    assert "Pneumonia" not in text
    sent = client.post(WELCOME, {"next": response.context["next"]})
    assert sent["Location"] == f"{study}?instance={read.instance.pk}"
    assert client.get(sent["Location"]).status_code == 200


def test_reading_it_is_recorded_once_with_the_words_that_were_read(
    client: Client, newcomer: User, read: Read
) -> None:
    ModelVersion.objects.update(intended_use="For children.")
    client.force_login(newcomer)
    client.post(WELCOME)
    client.post(WELCOME)
    newcomer.refresh_from_db()
    assert newcomer.intended_use_acknowledged_at is not None
    entry = AuditEntry.objects.get(action="user.acknowledge_intended_use")
    assert (entry.actor, entry.target_id) == (newcomer, str(newcomer.pk))
    assert any("For children." in words for words in entry.details["words"])


def test_nothing_is_done_before_it_was_read(client: Client, newcomer: User) -> None:
    client.force_login(newcomer)
    for url in (reverse("diagnosis:upload"), reverse("diagnosis:profile"), reverse("diagnosis:token-make")):
        assert client.post(url, {"full_name": "Other"})["Location"] == WELCOME
    newcomer.refresh_from_db()
    assert newcomer.full_name != "Other"


@pytest.mark.parametrize("address", ["https://elsewhere.example/", "//elsewhere.example", "javascript:x"])
def test_it_leads_to_no_other_site(client: Client, newcomer: User, address: str) -> None:
    client.force_login(newcomer)
    assert client.post(WELCOME, {"next": address})["Location"] == "/"


def test_rest_and_administration_do_not_ask(client: Client, newcomer: User, administrator: User) -> None:
    token = ApiTokenFactory.create(user=newcomer)
    bearer = {"Authorization": f"Bearer {token.secret}"}
    assert client.get("/api/v1/studies", headers=bearer).status_code == 200
    User.objects.filter(pk=administrator.pk).update(intended_use_acknowledged_at=None)
    client.force_login(administrator)
    assert client.get("/admin/").status_code == 200


def test_whoever_is_not_signed_in_is_sent_to_the_sign_in_page(client: Client, db: None) -> None:
    assert client.get(WELCOME)["Location"].startswith(reverse("account_login"))

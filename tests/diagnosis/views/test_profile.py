"""The profile: what users change about themselves, and their tokens."""

from django.test import Client
from django.urls import reverse

from accounts.models import ApiToken, AuditEntry, User
from accounts.services.tokens import find_token
from tests.factories import ApiTokenFactory


def test_a_reader_changes_name_zone_and_blindness(page: Client, reader: User) -> None:
    sent = {"full_name": "Dr. Rhea Reader", "time_zone": "Europe/Berlin", "blind_first": "on"}
    assert page.post("/profile/", sent).status_code == 302
    reader.refresh_from_db()
    assert (reader.full_name, reader.time_zone, reader.blind_first) == (
        *("Dr. Rhea Reader", "Europe/Berlin"),
        True,
    )
    entry = AuditEntry.objects.get(action="user.edit")
    assert entry.details["before"]["time_zone"] == "UTC"


def test_a_profile_that_changes_nothing_is_not_recorded(page: Client, reader: User) -> None:
    page.post("/profile/", {"full_name": reader.full_name, "time_zone": "UTC"})
    assert not AuditEntry.objects.filter(action="user.edit").exists()


def test_an_unknown_time_zone_is_refused(page: Client, reader: User) -> None:
    response = page.post("/profile/", {"full_name": "R", "time_zone": "Middle/Earth"})
    assert response.status_code == 422
    reader.refresh_from_db()
    assert reader.time_zone == "UTC"


def test_a_role_cannot_be_taken_through_the_profile(page: Client, reader: User) -> None:
    page.post("/profile/", {"full_name": "R", "time_zone": "UTC", "role": "administrator"})
    reader.refresh_from_db()
    assert reader.role == "reader"


def test_a_token_is_shown_once_and_works(page: Client, reader: User) -> None:
    sent = {"name": "PACS bridge", "scopes": ["read", "upload"], "days": "30"}
    text = page.post(reverse("diagnosis:token-make"), sent).content.decode()
    token = ApiToken.objects.get()
    assert token.scopes == ["read", "upload"]
    secret = text.split('<code id="token-secret">')[1].split("</code>")[0]
    found = find_token(secret)
    assert found is not None
    assert found.user == reader
    assert secret not in page.get("/profile/").content.decode()


def test_a_token_without_a_scope_is_refused(page: Client) -> None:
    response = page.post(reverse("diagnosis:token-make"), {"name": "x", "days": "30"})
    assert response.status_code == 422
    assert not ApiToken.objects.exists()


def test_a_revoked_token_opens_nothing(page: Client, reader: User) -> None:
    token = ApiTokenFactory.create(user=reader)
    page.post(reverse("diagnosis:token-close", args=[token.pk]))
    token.refresh_from_db()
    assert not token.is_usable
    assert "Revoked" in page.get("/profile/").content.decode()

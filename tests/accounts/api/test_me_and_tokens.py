"""The caller, and the caller's tokens."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, AuditEntry, Scope, User, UserStatus
from tests.factories import ApiTokenFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

Session = Callable[[User], APIClient]
NEW = {"name": "ward system", "scopes": ["read", "upload"]}


def test_me_says_who_is_calling_and_what_the_token_may_do(api: Api, reader: User) -> None:
    body = api(reader, scopes=["read"]).get("/api/v1/me").json()
    assert body["email"] == "reader@example.org"
    assert body["role"] == "reader"
    assert body["scopes"] == ["read"]


def test_me_in_a_browser_session_has_no_scopes(session: Session, reader: User) -> None:
    assert session(reader).get("/api/v1/me").json()["scopes"] is None


def test_nobody_without_a_usable_token_learns_who_they_are(api: Api, db: None) -> None:
    assert_outsiders_stay_out(lambda client: client.get("/api/v1/me"), api=api, scope=Scope.READ)


def test_a_new_token_shows_its_secret_once_and_opens_the_door(session: Session, reader: User) -> None:
    client = session(reader)
    made = client.post("/api/v1/tokens", NEW)
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert made["Location"].endswith(f"/api/v1/tokens/{made.json()['id']}")

    holder = APIClient()
    holder.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert holder.get("/api/v1/me").json()["scopes"] == ["read", "upload"]
    shown = client.get(made["Location"]).json()
    assert "secret" not in shown
    assert secret not in str(list(ApiToken.objects.values()))


def test_a_token_lives_ninety_days_unless_told_otherwise(session: Session, reader: User) -> None:
    session(reader).post("/api/v1/tokens", NEW)
    left = ApiToken.objects.get().expires_at - timezone.now()
    assert timedelta(days=89) < left <= timedelta(days=90)


@pytest.mark.parametrize("days", [-1, 4000])
def test_a_token_that_is_dead_or_lives_forever_is_refused(session: Session, reader: User, days: int) -> None:
    wrong = {**NEW, "expires_at": (timezone.now() + timedelta(days=days)).isoformat()}
    assert_problem(session(reader).post("/api/v1/tokens", wrong), 422, "invalid_expiry")
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{}, {"name": "x"}, {"name": "", "scopes": ["read"]}, {"name": "x", "scopes": ["everything"]}]
)
def test_a_token_without_name_or_known_scopes_is_refused(
    session: Session, reader: User, wrong: dict[str, object]
) -> None:
    assert assert_problem(session(reader).post("/api/v1/tokens", wrong), 400, "invalid")["errors"]


def test_a_token_cannot_make_another_token(api: Api, reader: User) -> None:
    client = api(reader)
    assert_problem(client.post("/api/v1/tokens", NEW), 403, "insufficient_scope")
    assert ApiToken.objects.count() == 1


def test_a_session_without_the_csrf_token_makes_no_token(reader: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(reader)
    assert_problem(client.post("/api/v1/tokens", NEW), 403, "permission_denied")


def test_tokens_are_listed_to_their_user_alone(session: Session, reader: User, charlie: User) -> None:
    mine = ApiTokenFactory.create(user=reader)
    assert [row["id"] for row in session(reader).get("/api/v1/tokens").json()["results"]] == [str(mine.pk)]
    stranger = session(charlie)
    assert stranger.get("/api/v1/tokens").json()["results"] == []
    assert_problem(stranger.get(f"/api/v1/tokens/{mine.pk}"), 404, "not_found")


def test_a_revoked_token_opens_nothing_and_the_trail_says_who(
    session: Session, api: Api, reader: User
) -> None:
    holder = api(reader)
    token = ApiToken.objects.get()
    assert session(reader).delete(f"/api/v1/tokens/{token.pk}").status_code == 204
    assert_problem(holder.get("/api/v1/me"), 401, "authentication_failed")
    assert AuditEntry.objects.filter(action="token.revoke", actor=reader, target_id=token.pk).exists()
    assert session(reader).delete(f"/api/v1/tokens/{token.pk}").status_code == 204


def test_a_stranger_revokes_nothing(session: Session, reader: User, charlie: User) -> None:
    token = ApiTokenFactory.create(user=reader)
    assert_problem(session(charlie).delete(f"/api/v1/tokens/{token.pk}"), 404, "not_found")
    token.refresh_from_db()
    assert token.revoked_at is None


def test_a_token_does_not_revoke_tokens(api: Api, reader: User) -> None:
    client = api(reader)
    token = ApiToken.objects.get()
    assert_problem(client.delete(f"/api/v1/tokens/{token.pk}"), 403, "insufficient_scope")


@pytest.mark.parametrize("path", ["/api/v1/tokens", "/api/v1/tokens/6fd5a1f0-26f6-4b50-a9a4-0f3e26b8a5b0"])
def test_outsiders_see_no_tokens(api: Api, db: None, path: str) -> None:
    assert_outsiders_stay_out(lambda client: client.get(path), api=api, scope=Scope.READ)


def test_a_suspended_users_session_is_closed_to_the_api(session: Session, reader: User) -> None:
    client = session(reader)
    User.objects.filter(pk=reader.pk).update(status=UserStatus.SUSPENDED)
    assert_problem(client.get("/api/v1/me"), 401, "not_authenticated")
    assert_problem(client.post("/api/v1/tokens", NEW), 401, "not_authenticated")

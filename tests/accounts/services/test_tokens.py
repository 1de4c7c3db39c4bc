"""Tokens are scoped, end, and are never stored."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiToken, AuditEntry, Role, Scope, User, UserStatus
from accounts.services import tokens
from medimaging.common.errors import ApplicationError, Conflict, NotAllowed
from tests.factories import ApiTokenFactory, UserFactory


def test_the_secret_is_stored_nowhere(reader: User) -> None:
    token = ApiTokenFactory.create(user=reader)
    kept = [str(value) for row in ApiToken.objects.values() for value in row.values()]
    kept += [str(value) for row in AuditEntry.objects.values() for value in row.values()]
    assert not any(token.secret in value for value in kept)
    assert len(token.secret) >= 43


def test_the_audit_trail_says_what_the_token_opens(reader: User) -> None:
    ApiTokenFactory.create(user=reader, name="viewer", scopes=[Scope.READ])
    entry = AuditEntry.objects.get(action="token.create")
    assert entry.details["scopes"] == ["read"]
    assert entry.details["name"] == "viewer"


@pytest.mark.parametrize(
    ("scopes", "code"), [([], "invalid_scopes"), (["read", "everything"], "invalid_scopes")]
)
def test_only_known_scopes_are_given(reader: User, scopes: list[str], code: str) -> None:
    with pytest.raises(ApplicationError) as caught:
        ApiTokenFactory.create(user=reader, scopes=scopes)
    assert caught.value.code == code


@pytest.mark.parametrize("life", [timedelta(0), timedelta(days=-1), timedelta(days=366)])
def test_a_token_ends_within_a_year(reader: User, life: timedelta) -> None:
    with pytest.raises(ApplicationError) as caught:
        ApiTokenFactory.create(user=reader, expires_at=timezone.now() + life)
    assert caught.value.code == "invalid_expiry"


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_token_has_a_name(reader: User, name: str) -> None:
    with pytest.raises(ApplicationError) as caught:
        ApiTokenFactory.create(user=reader, name=name)
    assert caught.value.code == "invalid_name"


def test_a_user_has_a_limited_number_of_tokens(reader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 2)
    first = ApiTokenFactory.create(user=reader)
    ApiTokenFactory.create(user=reader)
    with pytest.raises(Conflict):
        ApiTokenFactory.create(user=reader)
    tokens.revoke_token(first, by=reader)
    ApiTokenFactory.create(user=reader)


def make(user: User, *, by: User) -> ApiToken:
    expires_at = timezone.now() + timedelta(days=1)
    return tokens.create_token(user, name="t", scopes=[Scope.READ], expires_at=expires_at, by=by)[0]


def test_nobody_makes_tokens_in_another_persons_name(
    reader: User, charlie: User, administrator: User
) -> None:
    for by in (charlie, administrator):
        with pytest.raises(NotAllowed):
            make(reader, by=by)


def test_an_administrator_makes_the_tokens_of_an_integrator(administrator: User, charlie: User) -> None:
    system = UserFactory.create(role=Role.INTEGRATOR)
    assert make(system, by=administrator).user == system
    with pytest.raises(NotAllowed):
        make(system, by=charlie)


def test_an_inactive_user_makes_no_token(reader: User) -> None:
    reader.status = UserStatus.SUSPENDED
    with pytest.raises(NotAllowed):
        make(reader, by=reader)


def test_a_revoked_token_opens_nothing_and_is_recorded_once(reader: User) -> None:
    token = ApiTokenFactory.create(user=reader)
    tokens.revoke_token(token, by=reader, reason="leaked")
    tokens.revoke_token(token, by=reader, reason="again")
    assert tokens.find_token(token.secret) is None
    assert [e.reason for e in AuditEntry.objects.filter(action="token.revoke")] == ["leaked"]


def test_charlie_revokes_no_token_of_others(reader: User, charlie: User) -> None:
    token = ApiTokenFactory.create(user=reader)
    with pytest.raises(NotAllowed):
        tokens.revoke_token(token, by=charlie)
    assert tokens.find_token(token.secret) is not None


def test_an_expired_token_opens_nothing(reader: User) -> None:
    token = ApiTokenFactory.create(user=reader)
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())
    assert tokens.find_token(token.secret) is None


def test_use_is_noted_to_the_minute_and_written_no_oftener(reader: User) -> None:
    token = ApiTokenFactory.create(user=reader)
    found = tokens.find_token(token.secret)
    assert found is not None
    assert found.last_used_at is not None
    with CaptureQueriesContext(connection) as again:
        tokens.find_token(token.secret)
    assert [q["sql"].split()[0] for q in again] == ["SELECT"]
    past = timezone.now() - tokens.LAST_USED_PRECISION
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=past)
    tokens.find_token(token.secret)
    token.refresh_from_db()
    assert timezone.now() - token.last_used_at < timedelta(seconds=30)


@pytest.mark.parametrize("secret", ["", "nonsense", "mi_", "mi_" + "x" * 10_000, "mi_\x00"])
def test_nonsense_finds_no_token(reader: User, secret: str) -> None:
    ApiTokenFactory.create(user=reader)
    assert tokens.find_token(secret) is None

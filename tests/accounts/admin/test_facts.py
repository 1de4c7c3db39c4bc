"""What is only looked at: the audit trail, and what libraries keep on users."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry, AuditHead, User
from accounts.services import audit

SignIn = Callable[[User], Client]
SEEN = [AuditEntry, AuditHead, LogEntry, EmailAddress, Authenticator, UserSession]


@pytest.fixture
def rows(reader: User, administrator: User) -> None:
    """Make one row of each."""
    with transaction.atomic():
        audit.record("study.open", by=reader, target=reader, reason="because")
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(
        user=administrator, content_type=kind, object_id=reader.pk, object_repr="x", action_flag=CHANGE
    )
    EmailAddress.objects.create(user=reader, email=reader.email)
    Authenticator.objects.create(user=reader, type="totp", data={"secret": "TOTPSECRET"})
    UserSession.objects.create(user=reader, ip="127.0.0.1", session_key="SESSIONKEY", user_agent="x")


def address(model: Any, page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


@pytest.mark.parametrize("model", SEEN)
@pytest.mark.parametrize("who", ["administrator", "auditor"])
def test_staff_look_and_nobody_adds_changes_or_deletes(
    rows: None, model: Any, who: str, signed_in: SignIn, request: pytest.FixtureRequest
) -> None:
    client = signed_in(request.getfixturevalue(who))
    row = model.objects.first()
    assert client.get(address(model, "changelist")).status_code == 200
    page = client.get(address(model, "change", row.pk))
    assert page.status_code == 200
    text = page.content.decode()
    assert "TOTPSECRET" not in text
    assert "SESSIONKEY" not in text
    assert 'name="_save"' not in text
    assert client.get(address(model, "add")).status_code == 403
    assert client.post(address(model, "change", row.pk), {"reason": "x"}).status_code == 403
    assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", SEEN)
def test_charlie_looks_at_nothing(rows: None, model: Any, charlie: User, signed_in: SignIn) -> None:
    client = signed_in(charlie)
    assert client.get(address(model, "changelist"), follow=True).status_code == 403


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "study."}, 1),
        ({"q": "reader@example.org"}, 1),
        ({"q": "token."}, 0),
        ({"target_type": "accounts.user"}, 1),
        ({"target_type": "diagnosis.study"}, 0),
    ],
)
def test_entries_are_found(
    rows: None, administrator: User, signed_in: SignIn, query: dict[str, str], found: int
) -> None:
    page = signed_in(administrator).get(address(AuditEntry, "changelist"), query)
    assert page.context["cl"].result_count == found


def test_entries_are_found_by_what_they_are_about_and_by_who_acted(
    rows: None, administrator: User, reader: User, signed_in: SignIn
) -> None:
    client = signed_in(administrator)
    listing = address(AuditEntry, "changelist")
    for query in ({"q": str(reader.pk)}, {"actor__id__exact": str(reader.pk)}):
        assert client.get(listing, query).context["cl"].result_count == 1
    assert client.get(listing, {"actor__id__exact": str(administrator.pk)}).context["cl"].result_count == 0


@pytest.mark.parametrize("term", ["reader@example.org", "study.open", "6fd5a1f0-26f6-4b50-a9a4-0f3e26b8a5b0"])
def test_no_search_of_entries_reads_the_whole_trail(
    rows: None, administrator: User, signed_in: SignIn, term: str
) -> None:
    with CaptureQueriesContext(connection) as queries:
        signed_in(administrator).get(address(AuditEntry, "changelist"), {"q": term})
    searched = [q["sql"] for q in queries if "auditentry" in q["sql"] and "WHERE" in q["sql"]]
    assert searched
    assert not [sql for sql in searched if " OR " in sql or "UPPER" in sql]


def test_the_list_of_entries_never_counts_the_whole_table(
    rows: None, administrator: User, signed_in: SignIn
) -> None:
    with CaptureQueriesContext(connection) as queries:
        signed_in(administrator).get(address(AuditEntry, "changelist"))
    counts = [q["sql"] for q in queries if "COUNT(" in q["sql"] and "auditentry" in q["sql"]]
    assert counts
    assert all("LIMIT 10000" in sql for sql in counts)


def test_groups_are_not_administered_since_roles_decide() -> None:
    assert "group" not in {model._meta.model_name for model in admin.site._registry}

"""Commands on users and the audit trail."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from accounts import audit_guard
from accounts.models import AuditEntry, Role, User, UserStatus
from accounts.services import audit
from tests.factories import UserFactory


def run(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def test_the_first_users_are_made_once_and_can_log_in(db: None) -> None:
    said = run("create_first_users")
    found = re.findall(r"(\S+@\S+)\s+(\S+)", said)
    assert [email for email, _ in found] == ["admin@medimaging.local", "reader@medimaging.local"]
    assert [len(password) for _, password in found] == [20, 20]
    for email, password in found:
        client = Client()
        client.post(reverse("account_login"), {"login": email, "password": password})
        assert client.session["_auth_user_id"] == str(User.objects.get(email=email).pk)
    roles = dict(User.objects.values_list("email", "role"))
    assert roles == {"admin@medimaging.local": Role.ADMINISTRATOR, "reader@medimaging.local": Role.READER}
    assert AuditEntry.objects.filter(action="user.create_first", actor=None).count() == 2


def test_a_second_run_makes_nobody_and_prints_no_secret(db: None) -> None:
    passwords = re.findall(r"@\S+\s+(\S+)", run("create_first_users"))
    again = run("create_first_users")
    assert again == "The first users exist already.\n"
    assert not any(password in again for password in passwords)
    assert User.objects.count() == 2


def test_passwords_differ_between_installations(db: None) -> None:
    first = run("create_first_users")
    with audit_guard.lifted(connection), connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_auditentry")
        cursor.execute("DELETE FROM accounts_audithead")
    User.objects.all().delete()
    assert re.findall(r"@\S+\s+(\S+)", first) != re.findall(r"@\S+\s+(\S+)", run("create_first_users"))


def test_an_installation_with_an_administrator_gets_no_further_users(administrator: User) -> None:
    run("create_first_users")
    assert User.objects.count() == 1


def test_other_addresses_and_no_reader(db: None) -> None:
    run("create_first_users", "--administrator", "Head@Example.org", "--reader", "")
    user = User.objects.get()
    assert (user.email, user.status) == ("head@example.org", UserStatus.ACTIVE)


@pytest.fixture
def trail(db: None) -> list[AuditEntry]:
    user = UserFactory.create()
    with transaction.atomic():
        return [audit.record("test", by=user, target=user) for _ in range(3)]


def test_a_whole_trail_is_said_to_be_whole(trail: list[AuditEntry]) -> None:
    assert run("verify_audit") == f"3 entries, whole. Head 3:{trail[-1].hash}\n"


def test_a_broken_trail_is_an_error_that_names_the_first_broken_entry(trail: list[AuditEntry]) -> None:
    with audit_guard.lifted(connection), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_auditentry SET reason = 'x' WHERE sequence = 2")
    with pytest.raises(CommandError, match=r"Broken at entry 2: .* 1 entries before it are whole"):
        run("verify_audit")


def test_a_missing_trigger_is_an_error(trail: list[AuditEntry]) -> None:
    audit_guard.remove(connection)
    with pytest.raises(CommandError, match=r"missing: audit_entry_no_delete, .*audit_head_one_step"):
        run("verify_audit")


def test_an_anchor_proves_that_nothing_was_rewritten_since(trail: list[AuditEntry]) -> None:
    assert "whole" in run("verify_audit", "--anchor", f"2:{trail[1].hash}")
    with pytest.raises(CommandError, match="rewritten"):
        run("verify_audit", "--anchor", f"2:{trail[0].hash}")
    with pytest.raises(CommandError, match="looks like"):
        run("verify_audit", "--anchor", "nonsense")

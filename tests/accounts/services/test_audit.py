"""The audit trail is one chain, and any change to it shows."""

import math
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import audit_guard
from accounts.models import AuditEntry, AuditHead, User
from accounts.models.audit import AppendOnly
from accounts.services import audit


@pytest.fixture
def trail(reader: User) -> list[AuditEntry]:
    """Return five entries."""
    with transaction.atomic():
        return [audit.record(f"test.{i}", by=reader, target=reader, details={"i": i}) for i in range(5)]


@pytest.fixture
def tamper(trail: list[AuditEntry]) -> Any:
    """Return a function that does to the database what its owner could, past the triggers."""

    def by_owner(statement: str, *values: Any) -> None:
        with audit_guard.lifted(connection), connection.cursor() as cursor:
            cursor.execute(statement, values)

    return by_owner


def test_an_untouched_trail_is_whole(trail: list[AuditEntry]) -> None:
    report = audit.verify_chain()
    assert (report.is_whole, report.count, report.head_sequence) == (True, 5, 5)
    assert report.head_hash == trail[-1].hash


def test_an_empty_trail_is_whole(db: None) -> None:
    assert audit.verify_chain().is_whole
    assert audit.verify_chain().count == 0


@pytest.mark.parametrize(
    ("statement", "broken_at", "words"),
    [
        ("UPDATE accounts_auditentry SET reason = 'other' WHERE sequence = 3", 3, "changed"),
        ("UPDATE accounts_auditentry SET actor_id = NULL WHERE sequence = 2", 2, "changed"),
        ("UPDATE accounts_auditentry SET at = '2020-01-01 00:00:00' WHERE sequence = 4", 4, "changed"),
        ("UPDATE accounts_auditentry SET details = '{\"i\": 9}' WHERE sequence = 1", 1, "changed"),
        ("DELETE FROM accounts_auditentry WHERE sequence = 1", 1, "missing"),
        ("DELETE FROM accounts_auditentry WHERE sequence = 3", 3, "missing"),
        ("DELETE FROM accounts_auditentry WHERE sequence = 5", 5, "missing at the end"),
        ("DELETE FROM accounts_auditentry", 1, "missing at the end"),
        ("UPDATE accounts_audithead SET sequence = 4", 4, "another"),
        ("UPDATE accounts_audithead SET hash = 'f00'", 5, "another"),
        ("DELETE FROM accounts_audithead", 1, "after the head"),
    ],
)
def test_every_change_shows_and_where(tamper: Any, statement: str, broken_at: int, words: str) -> None:
    tamper(statement)
    report = audit.verify_chain()
    assert not report.is_whole
    assert report.broken_at == broken_at
    assert words in report.problem


def test_two_entries_in_each_others_place_show(tamper: Any) -> None:
    for old, new in ((2, 100), (3, 2), (100, 3)):
        tamper(f"UPDATE accounts_auditentry SET sequence = {new} WHERE sequence = {old}")
    assert audit.verify_chain().broken_at == 2


def test_an_entry_rewritten_with_a_fitting_hash_breaks_the_next(tamper: Any, trail: list[AuditEntry]) -> None:
    forged = trail[1]
    forged.reason = "forged"
    tamper(
        "UPDATE accounts_auditentry SET reason = %s, hash = %s WHERE sequence = 2",
        "forged",
        audit.entry_hash(forged),
    )
    assert audit.verify_chain().broken_at == 3


def test_the_last_entry_rewritten_with_a_fitting_hash_does_not_fit_the_head(
    tamper: Any, trail: list[AuditEntry]
) -> None:
    forged = trail[-1]
    forged.reason = "forged"
    tamper(
        "UPDATE accounts_auditentry SET reason = %s, hash = %s WHERE sequence = 5",
        "forged",
        audit.entry_hash(forged),
    )
    assert audit.verify_chain().broken_at == 5


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET reason = 'other' WHERE sequence = 3",
        "DELETE FROM accounts_auditentry WHERE sequence = 3",
        "UPDATE accounts_audithead SET sequence = 2",
        "UPDATE accounts_audithead SET sequence = 5, hash = 'f00'",
        "DELETE FROM accounts_audithead",
    ],
)
def test_the_database_refuses_to_change_the_past(trail: list[AuditEntry], statement: str) -> None:
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert audit.verify_chain().is_whole


def test_python_refuses_to_change_the_past(trail: list[AuditEntry]) -> None:
    entry = AuditEntry.objects.get(sequence=3)
    acts = [
        lambda: AuditEntry.objects.update(reason="x"),
        lambda: AuditEntry.objects.filter(sequence=3).delete(),
        lambda: AuditEntry.objects.bulk_update([entry], ["reason"]),
        lambda: AuditEntry.objects.bulk_create([entry]),
        entry.delete,
        entry.save,
    ]
    for act in acts:
        with pytest.raises(AppendOnly):
            act()
    assert audit.verify_chain().is_whole


def test_a_user_who_did_something_cannot_be_deleted(trail: list[AuditEntry], reader: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        reader.delete()


def test_an_entry_is_kept_only_with_what_it_records(reader: User) -> None:
    with transaction.atomic():
        audit.record("test", by=reader, target=reader)
        transaction.set_rollback(True)
    assert audit.verify_chain().count == 0


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_refused(reader: User) -> None:
    with pytest.raises(RuntimeError, match="in the transaction"):
        audit.record("test", by=reader, target=reader)


@pytest.mark.django_db(transaction=True)
def test_the_triggers_stand_in_tests_with_real_commits_too(reader: User) -> None:
    with transaction.atomic():
        audit.record("test", by=reader, target=reader)
    assert audit_guard.missing(connection) == []
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_auditentry")


@pytest.mark.parametrize(
    "details",
    [
        {"float": 0.1, "small": 1e-7, "smallest": 5e-324, "large": 1e22, "negative zero": -0.0},
        {"not a number": math.nan, "infinite": math.inf},
        {"order": {"b": 1, "a": [1, 2, {"z": None, "y": True}]}, "text": 'ünï ☃ " \\ \n'},
        {"integer": 2**70, "nested": {"tuple": (1, 2)}},
    ],
)
def test_whatever_is_recorded_hashes_the_same_when_read_again(reader: User, details: dict[str, Any]) -> None:
    with transaction.atomic():
        audit.record("test", by=reader, target=reader, details=details)
    assert audit.verify_chain().is_whole


def test_numbers_that_a_database_writes_otherwise_are_recorded_as_it_does(reader: User) -> None:
    with transaction.atomic():
        entry = audit.record("test", by=reader, target=reader, details={"zero": -0.0, "large": 1e22})
    assert str(entry.details) == "{'zero': 0.0, 'large': 10000000000000000000000}"


def test_the_trail_is_read_in_pieces_and_in_a_fixed_number_of_queries(
    trail: list[AuditEntry], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(4):
        audit.verify_chain()


def test_the_head_moves_by_one(trail: list[AuditEntry]) -> None:
    head = AuditHead.objects.get()
    assert (head.sequence, head.hash) == (5, trail[-1].hash)

"""Triggers by which the database itself refuses to change the audit trail.

They stop an application's mistake and a careless hand at the console. Whoever
owns the database can drop them; that is what the hash chain and an anchor kept
elsewhere (`manage.py verify_audit --anchor`) are for.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

ENTRIES = "accounts_auditentry"
HEAD = "accounts_audithead"
MESSAGE = "The audit trail is append-only."
REFUSALS = {
    "audit_entry_no_update": ("UPDATE", ENTRIES, ""),
    "audit_entry_no_delete": ("DELETE", ENTRIES, ""),
    "audit_head_no_delete": ("DELETE", HEAD, ""),
    "audit_head_one_step": ("UPDATE", HEAD, "WHEN (NEW.sequence <> OLD.sequence + 1)"),
}
NO_TRUNCATE = {"audit_entry_no_truncate": ENTRIES, "audit_head_no_truncate": HEAD}


def install(connection: BaseDatabaseWrapper) -> None:
    """Put the triggers in place; they may be there already."""
    remove(connection)
    _execute(connection, _install_postgresql() if connection.vendor == "postgresql" else _install_sqlite())


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take the triggers away."""
    on_table = connection.vendor == "postgresql"
    tables = {name: table for name, (_, table, _) in REFUSALS.items()} | (NO_TRUNCATE if on_table else {})
    _execute(
        connection,
        [
            f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if on_table else "")
            for name, table in tables.items()
        ],
    )


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the triggers that are not in place and enabled."""
    if connection.vendor == "postgresql":
        query, wanted = "SELECT tgname FROM pg_trigger WHERE tgenabled = 'A'", {**REFUSALS, **NO_TRUNCATE}
    else:
        query, wanted = "SELECT name FROM sqlite_master WHERE type = 'trigger'", dict(REFUSALS)
    with connection.cursor() as cursor:
        cursor.execute(query)
        present = {row[0] for row in cursor.fetchall()}
    return sorted(set(wanted) - present)


@contextmanager
def lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Lift the triggers for the length of a block; only tests, which empty tables, have a reason to."""
    remove(connection)
    try:
        yield
    finally:
        install(connection)


def _install_sqlite() -> list[str]:
    return [
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        for name, (event, table, condition) in REFUSALS.items()
    ]


def _install_postgresql() -> list[str]:
    refuse = (
        "CREATE OR REPLACE FUNCTION accounts_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'restrict_violation'; END $$"
    )
    call = "EXECUTE FUNCTION accounts_audit_refuse()"
    statements = [refuse]
    for name, (event, table, condition) in REFUSALS.items():
        statements.append(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW {condition} {call}")
        statements.append(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    for name, table in NO_TRUNCATE.items():
        statements.append(f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {call}")
        statements.append(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    return statements


def _execute(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            connection.check_constraints()  # a table with checks still to come cannot be altered
        for statement in statements:
            cursor.execute(statement)

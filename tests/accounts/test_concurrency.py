"""Many processes at once, on databases of their own: a SQLite file, and a real PostgreSQL server.

The PostgreSQL tests need MEDIMAGING_TEST_POSTGRES, the address of a server on
which databases may be made, such as postgres://postgres@127.0.0.1:55432/postgres.
"""

import os
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

Python = Callable[..., "subprocess.CompletedProcess[str]"]

PROCESSES = 2
THREADS = 4
ENTRIES = 25
MAKE_USERS = """
from accounts.models import Role, User, UserStatus
administrator = {"role": Role.ADMINISTRATOR, "status": UserStatus.ACTIVE}
for name in ("writer", "one", "two"):
    User.objects.create_user(f"{name}@example.org", full_name=name, **administrator)
"""


def postgres_database() -> Iterator[str]:
    server = os.environ.get("MEDIMAGING_TEST_POSTGRES")
    if not server:
        pytest.skip("MEDIMAGING_TEST_POSTGRES names no PostgreSQL server")
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield server.rpartition("/")[0] + f"/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a database of this module's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('database') / 'test.sqlite3'}"
    else:
        yield from postgres_database()


@pytest.fixture(scope="module")
def environment(database: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of processes that use the database."""
    folder = str(tmp_path_factory.mktemp("var"))
    return {
        **os.environ,
        "MEDIMAGING_DATABASE_URL": database,
        "MEDIMAGING_VAR": folder,
        "DJANGO_SETTINGS_MODULE": "medimaging.settings",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


@pytest.fixture(scope="module")
def start(environment: dict[str, str]) -> Callable[..., "subprocess.Popen[str]"]:
    """Return a function that starts Python on the migrated database."""

    def run(*arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    for arguments in (("manage.py", "migrate", "--verbosity", "0"), ("manage.py", "shell", "-c", MAKE_USERS)):
        finished(run(*arguments))
    return run


def finished(process: "subprocess.Popen[str]", *, code: int = 0) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    return out


def execute(database: str, statement: str) -> None:
    """Run one statement as the owner of the database would."""
    if database.startswith("sqlite"):
        with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
            connection.execute(statement)
    else:
        with psycopg.connect(database) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


@pytest.mark.slow
def test_eight_writers_at_once_make_one_chain(start: Callable[..., Any], database: str) -> None:
    writers = [
        start("-m", "tests.accounts.write_entries", str(THREADS), str(ENTRIES)) for _ in range(PROCESSES)
    ]
    for writer in writers:
        finished(writer)
    said = finished(start("manage.py", "verify_audit"))
    total = PROCESSES * THREADS * ENTRIES
    assert said.startswith(f"{total} entries, whole. Head {total}:")


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET reason = 'x'",
        "DELETE FROM accounts_auditentry",
        "DELETE FROM accounts_audithead",
        "UPDATE accounts_audithead SET hash = 'x'",
        "TRUNCATE accounts_auditentry",
        "TRUNCATE accounts_audithead",
        "SET session_replication_role = replica; DELETE FROM accounts_auditentry",
    ],
)
def test_the_database_refuses_to_change_the_past(
    start: Callable[..., Any], database: str, statement: str
) -> None:
    if database.startswith("sqlite") and not statement.startswith(("UPDATE", "DELETE")):
        pytest.skip("SQLite has no such statement")
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.RestrictViolation), match="append-only"):
        execute(database, statement)


@pytest.mark.slow
def test_of_two_administrators_who_suspend_each_other_one_remains(
    start: Callable[..., Any], database: str
) -> None:
    execute(database, "UPDATE accounts_user SET role = 'reader' WHERE email = 'writer@example.org'")
    at = str(time.time() + 6)
    names = ("one@example.org", "two@example.org")
    racers = [
        start("-m", "tests.accounts.suspend_each_other", by, target, at)
        for by, target in (names, names[::-1])
    ]
    outcomes = sorted(finished(racer).strip().splitlines()[-1] for racer in racers)
    assert outcomes == ["done", "not_allowed"]


@pytest.mark.slow
def test_a_broken_chain_ends_the_command_with_one(
    start: Callable[..., Any], database: str, tmp_path: Path
) -> None:
    on_table = "" if database.startswith("sqlite") else " ON accounts_auditentry"
    execute(database, f"DROP TRIGGER audit_entry_no_update{on_table}")
    process = start("manage.py", "verify_audit")
    finished(process, code=1)
    execute(database, "UPDATE accounts_auditentry SET reason = 'x' WHERE sequence = 7")
    process = start("manage.py", "verify_audit")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Broken at entry 7" in err

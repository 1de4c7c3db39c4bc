"""Copies of the whole database at one moment, by the tool of the engine itself (see docs/adr)."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import connection

NAMES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}


def dump_name() -> str:
    """Return under which name a dump of this installation's engine is kept.

    Raises:
        CommandError: there is no way to dump such a database.
    """
    try:
        return NAMES[connection.vendor]
    except KeyError as error:
        raise CommandError(f"A {connection.vendor} database cannot be backed up here.") from error


def dump(path: Path) -> None:
    """Write the database as it is at one moment, while others go on writing."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with closing(sqlite3.connect(path)) as copy:
            connection.connection.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, complete without others beside it
        return
    _run("pg_dump", "--format=custom", f"--file={path}", "--no-owner", "--no-privileges")


def load(path: Path) -> None:
    """Fill the empty database from a dump, whole or not at all."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as copy:
            copy.backup(connection.connection)
        connection.close()
        return
    options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    _run("pg_restore", *options, f"--dbname={connection.settings_dict['NAME']}", str(path), database=False)


def require_empty() -> None:
    """Raise CommandError where the database holds anything already."""
    if connection.introspection.table_names():
        raise CommandError(
            "The database is not empty. Restore into a new one: an installation is never overwritten."
        )


def _run(program: str, *arguments: str, database: bool = True) -> None:
    facts = connection.settings_dict
    where = [
        *(["--host", facts["HOST"]] if facts["HOST"] else []),
        *(["--port", str(facts["PORT"])] if facts["PORT"] else []),
        *(["--username", facts["USER"]] if facts["USER"] else []),
        *([f"--dbname={facts['NAME']}"] if database else []),
    ]
    environment = {**os.environ, **({"PGPASSWORD": facts["PASSWORD"]} if facts["PASSWORD"] else {})}
    done = subprocess.run(
        [_find(program), *where, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CommandError(f"{program} failed: {done.stderr.strip()}")


def _find(program: str) -> str:
    """Return the newest of the PostgreSQL client programs that are installed."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=_major)
    found: Any = str(installed[-1]) if installed else shutil.which(program)
    if found is None:
        raise CommandError(f"{program} is not installed. Install PostgreSQL's client programs.")
    return str(found)


def _major(path: Path) -> int:
    name = path.parents[1].name
    return int(name) if name.isdecimal() else 0

"""How long the lists of the administration pages take at a million rows, on PostgreSQL.

    MEDIMAGING_DATABASE_URL=postgres://... python benchmarks/admin_lists.py --rows 1000000

Rows are made inside of the database from one of each kind. Give it an empty database of
its own: the rows stay, and the audit trail they are in does not verify.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medimaging.settings")
TIMES = 7
LISTS = (
    ("audit entries", "accounts_auditentry", ""),
    ("audit entries of one target", "accounts_auditentry", "?q={instance}"),
    ("uploads", "diagnosis_upload", ""),
    ("instances", "diagnosis_instance", ""),
    ("instances, searched by pseudonym", "diagnosis_instance", "?q={pseudonym}"),
    ("analyses", "diagnosis_analysis", ""),
    ("analyses that failed", "diagnosis_analysis", "?state__exact=failed"),
    ("analyses, page 100", "diagnosis_analysis", "?p=100"),
    ("findings", "diagnosis_finding", ""),
)


def main() -> None:
    """Make rows and measure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--again", action="store_true", help="measure what an earlier run has made")
    options = asked.parse_args()
    rows = options.rows
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    made = searched_for() if options.again else make_rows(rows)
    print(
        f"| list at {rows:,} rows | fastest ms | p50 ms | SQL, ms | processor of the web process, ms "
        "| queries | counts the table |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for line in measure(made):
        print(line, flush=True)


def make_rows(count: int) -> dict[str, str]:
    """Multiply one row of each kind, and return what the searches look for."""
    from django.db import connection

    from accounts.models import AuditEntry, User
    from tests.factories import AdministratorFactory, FindingFactory, UploadFactory

    administrator = User.objects.filter(email="bench@example.org").first() or AdministratorFactory.create(
        email="bench@example.org"
    )
    finding = FindingFactory.create()
    analysis, instance = finding.analysis, finding.analysis.instance
    upload = UploadFactory.create(instance=instance)
    first = AuditEntry.objects.count() + 1
    entry = AuditEntry(
        sequence=first, at=analysis.requested_at, actor=administrator, action="instance.accept",
        target_type="diagnosis.instance", target_id=str(instance.pk), previous_hash="", hash=f"made {first}",
    )  # fmt: skip
    entry.save(force_insert=True)
    spread = "now() - n * interval '20 seconds'"
    with connection.cursor() as cursor:
        multiply(
            cursor, instance, count,
            {"id": "gen_random_uuid()", "sop_instance_uid": "'1.2.' || n", "content_key": "'made/' || n",
             "created_at": spread},
        )  # fmt: skip
        images = f"SELECT id, row_number() OVER () AS n FROM diagnosis_instance WHERE id <> '{instance.pk}'"
        states = "CASE WHEN n % 500 = 0 THEN 'failed' ELSE 'succeeded' END"
        multiply(
            cursor, analysis, count,
            {"id": "gen_random_uuid()", "instance_id": "source.id", "state": states,
             "failure_code": "CASE WHEN n % 500 = 0 THEN 'unreadable_image' ELSE '' END",
             "requested_at": spread},
            source=f"({images}) AS source(id, n)",
        )  # fmt: skip
        answers = f"SELECT id, row_number() OVER () AS n FROM diagnosis_analysis WHERE id <> '{analysis.pk}'"
        multiply(
            cursor, finding, count,
            {"id": f"{finding.pk} + n", "analysis_id": "source.id", "probability": "(n % 1000) / 1000.0"},
            source=f"({answers}) AS source(id, n)",
        )  # fmt: skip
        multiply(
            cursor,
            upload,
            count,
            {"id": "gen_random_uuid()", "digest": "md5(n::text)", "received_at": spread},
        )
        multiply(
            cursor, entry, count,
            {"sequence": f"{first} + n", "hash": "'made ' || n || ' ' || random()", "at": spread,
             "target_id": "md5(n::text)"},
        )  # fmt: skip
        cursor.execute("ANALYZE")
    return {"instance": str(instance.pk), "pseudonym": instance.series.study.patient.pseudonym}


def searched_for() -> dict[str, str]:
    """Return what the searches look for in rows that are made already."""
    from diagnosis.models import Upload

    uploads = Upload.objects.exclude(instance=None).select_related("instance__series__study__patient")
    instance: Any = uploads[:1].get().instance
    return {"instance": str(instance.pk), "pseudonym": instance.series.study.patient.pseudonym}


def multiply(cursor: Any, row: Any, count: int, changed: dict[str, str], *, source: str = "") -> None:
    """Insert `count` rows that differ from `row` by the expressions of `changed`."""
    table = row._meta.db_table
    columns = [field.column for field in row._meta.concrete_fields]
    values = ", ".join(changed.get(name, f'first."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    many = source or f"generate_series(1, {count}) AS source(n)"
    key = row._meta.pk.column
    began = time.monotonic()
    cursor.execute(
        f'INSERT INTO "{table}" ({names}) SELECT {values} FROM "{table}" AS first, {many} '
        f"WHERE first.\"{key}\" = '{row.pk}'"
    )
    print(f"{table}: {cursor.rowcount:,} rows in {time.monotonic() - began:.0f} s", file=sys.stderr)


def measure(made: dict[str, str]) -> Iterator[str]:
    """Yield a line of the table for each list."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    from accounts.models import User

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(email="bench@example.org"))
    for title, name, query in LISTS:
        address = reverse(f"admin:{name}_changelist") + query.format(**made)
        took, within, busy = [], [], []
        for _ in range(TIMES):
            with CaptureQueriesContext(connection) as asked:
                began, worked = time.perf_counter(), time.process_time()
                answer = client.get(address)
                took.append((time.perf_counter() - began) * 1000)
            busy.append((time.process_time() - worked) * 1000)
            within.append(sum(float(one["time"]) for one in asked) * 1000)
            assert answer.status_code == 200, (title, answer.status_code)
        full = "yes" if any(counts_all(one["sql"]) for one in asked) else "no"
        figures = f"{min(took):.0f} | {statistics.median(took):.0f} | {min(within):.0f} | {min(busy):.0f}"
        yield f"| {title} | {figures} | {len(asked)} | {full} |"


def counts_all(sql: str) -> bool:
    """Tell whether a query counts every row of a table."""
    return "COUNT(" in sql and not any(word in sql for word in ("LIMIT", "GROUP BY", "WHERE"))


if __name__ == "__main__":
    main()

"""How long the server works on a page of the worklist when there are 100,000 studies.

    worklist.py                                    # SQLite, as embedded
    worklist.py --database-url postgres://...      # an empty PostgreSQL database

Give --explain to see the database's plan of the slowest queries.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
from installation import begin
from large_worklist import fill

FIRST_TIME = "most informative, not ordered before"
PAGES = {
    "unread": "?tab=unread",
    "mine": "?tab=mine",
    "most informative": "?tab=informative",
    FIRST_TIME: "?tab=informative",
    "reader and model disagree": "?tab=disagree",
    "failed": "?tab=failed",
    "all": "?tab=all",
    "all, page 40": "?tab=all&page=40",
    "all, most probable first": "?tab=all&sort=probability",
    "all, by patient": "?tab=all&sort=patient",
    "all, withheld": "?tab=all&state=withheld",
    "all, being analyzed": "?tab=all&state=running",
    "all, signed": "?tab=all&signed=yes",
    "all, words that nothing holds": "?tab=all&q=zebra",
}
SLOW_QUERY_SECONDS = 0.01


def main() -> None:
    """Fill a database, ask for pages, and publish."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--studies", type=int, default=100_000)
    asked.add_argument("--requests", type=int, default=40)
    asked.add_argument("--read", type=float, default=0.6, help="Share of studies that are signed.")
    asked.add_argument("--database-url", default="")
    asked.add_argument("--folder", type=Path, help="Keep the installation here, and use it again next time.")
    asked.add_argument("--explain", action="store_true")
    asked.add_argument("--dry", action="store_true", help="Print the table; do not write it down.")
    options = asked.parse_args()
    folder = begin(database_url=options.database_url, folder=options.folder)
    try:
        begun = time.monotonic()
        people = fill(options.studies, read=options.read)
        print(f"filled in {time.monotonic() - begun:.0f} s", flush=True)
        rows = [row for name, person in people.items() for row in _measure(name, person, options)]
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    _publish(rows, options)


def _measure(name: str, person: Any, options: argparse.Namespace) -> list[tuple[str, ...]]:
    from django.core.cache import cache
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"host": "localhost"})
    client.force_login(person)
    queries = {}
    for page, query in PAGES.items():
        _get(client, query)
        with CaptureQueriesContext(connection) as asked:
            _get(client, query)
        queries[page] = list(asked.captured_queries)  # the next request empties the log
    waits: dict[str, list[float]] = {page: [] for page in PAGES}
    for _ in range(options.requests):  # in turn: a slow minute of the machine falls on all pages alike
        for page, query in PAGES.items():
            if page == FIRST_TIME:
                cache.clear()
            waits[page].append(_get(client, query))
    rows = []
    for page, taken in waits.items():
        p50, p95 = (f"{float(np.quantile(taken, q)) * 1000:.0f} ms" for q in (0.5, 0.95))
        rows.append((name, page, p50, p95, f"{min(taken) * 1000:.0f} ms", str(len(queries[page]))))
        print(*rows[-1], flush=True)
        if options.explain:
            _explain(queries[page])
    return rows


def _get(client: Any, query: str) -> float:
    begun = time.perf_counter()
    response = client.get(f"/{query}")
    taken = time.perf_counter() - begun
    if response.status_code != 200:
        raise SystemExit(f"{query}: {response.status_code}")
    return taken


def _explain(queries: list[dict[str, str]]) -> None:
    from django.db import connection

    word = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN ANALYZE"
    for query in queries:
        if float(query["time"]) < SLOW_QUERY_SECONDS or not query["sql"].startswith("SELECT"):
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"{word} {query['sql']}")
            print("   ", query["time"], query["sql"][:3000])
            print(*(f"      {row}" for row in cursor.fetchall()), sep="\n", flush=True)


def _publish(rows: list[tuple[str, ...]], options: argparse.Namespace) -> None:
    if options.dry:
        return
    from django.db import connection
    from model_common import publish

    kind = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.vendor]
    publish(
        f"The worklist at {options.studies:,} studies on {kind}",
        ("who", "page", "p50", "p95", "fastest", "queries"),
        rows,
        note=(
            f"Time inside of the server for one whole page, {options.requests} requests each, all in turn, "
            f"{options.read:.0%} of the studies signed; two cores. "
            "The steward sees every study; the reader owns 5 % of them and shares another 5 %."
        ),
    )


if __name__ == "__main__":
    main()

"""Let the tests that empty their tables do so, although the audit trail refuses.

A test with real commits (`transactional_db`, `live_server`) ends with a flush,
which deletes every row. The triggers are lifted for exactly that, and stand
while the test runs. A conftest needs only to import the fixture.
"""

from collections.abc import Iterable, Iterator

import pytest
from django.db import connection

from accounts import audit_guard


@pytest.fixture(scope="session", autouse=True)
def lifted_audit_triggers() -> Iterator[None]:
    """Lift the triggers of the audit trail whenever the tables are emptied after a test."""
    operations = type(connection.ops)
    flush = operations.execute_sql_flush

    def flush_unguarded(self: object, sql_list: Iterable[str]) -> None:
        with audit_guard.lifted(connection):
            flush(self, sql_list)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "execute_sql_flush", flush_unguarded)
        yield

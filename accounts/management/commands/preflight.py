"""Ask every server that the site stands on, before a process that needs them is started."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from medimaging.common.probes import Probe, probe_all


class Command(BaseCommand):
    """Ends with 1 where a server fails, and says what to do about it."""

    help = "Check database, migrations, storage (by writing and reading back), cache and broker."
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line a server."""
        probes = [*probe_all(thorough=True), Probe("migrations", _unapplied())]
        for probe in probes:
            self.stdout.write(f"{probe.name}: {probe.problem or 'ok'}")
        if not all(probe.ok for probe in probes):
            raise CommandError("The site cannot work like this; the lines above say why.")


def _unapplied() -> str:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "The database does not answer."
    return f"{len(waiting)} migrations are not applied. Run manage.py migrate." if waiting else ""

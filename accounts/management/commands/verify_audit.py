"""Prove that the audit trail is whole."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from accounts import audit_guard
from accounts.models import AuditEntry
from accounts.services.audit import verify_chain


class Command(BaseCommand):
    """Reads every entry; ends with 1 where something does not fit."""

    help = (
        "Check the audit trail: hashes, gaps, order, head and triggers. Prints the head as NUMBER:HASH; "
        "note it down elsewhere and give it as --anchor later, to prove that nothing was rewritten since."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take an anchor that was noted down earlier."""
        parser.add_argument("--anchor", metavar="NUMBER:HASH", help="a head printed by an earlier run")

    def handle(self, *args: Any, anchor: str | None = None, **options: Any) -> None:
        """Print how many entries there are and the first one that is broken."""
        report = verify_chain()
        if report.problem:
            where = "" if report.broken_at is None else f"at entry {report.broken_at}: "
            raise CommandError(f"Broken {where}{report.problem} {report.count} entries before it are whole.")
        missing = audit_guard.missing(connection)
        if missing:
            raise CommandError(
                f"{report.count} entries are whole, but triggers are missing: {', '.join(missing)}."
            )
        if anchor:
            _check_anchor(anchor)
        self.stdout.write(f"{report.count} entries, whole. Head {report.head_sequence}:{report.head_hash}")


def _check_anchor(anchor: str) -> None:
    number, _, said = anchor.partition(":")
    if not number.isdigit() or not said:
        raise CommandError("An anchor looks like 123:0f3a... as an earlier run printed it.")
    if not AuditEntry.objects.filter(sequence=int(number), hash=said).exists():
        raise CommandError(f"Entry {number} is not the one that was noted down: the trail was rewritten.")

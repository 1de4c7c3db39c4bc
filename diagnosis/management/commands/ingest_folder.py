"""Take every file of a folder in."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.models import User
from diagnosis.management.folder import find_files
from diagnosis.management.ingestion import Ingestion, Outcome, stop_between_files, wait_for_answers
from diagnosis.models import AnalysisState
from mlcore.models import ExaminationType
from mlcore.selectors import sole_examination_type

WAIT_SECONDS = 600.0
ANSWERED = {AnalysisState.SUCCEEDED.value, AnalysisState.WITHHELD.value}


class Command(BaseCommand):
    """Walk a folder and print one line a file with its verdict.

    A second run skips what is stored, so a run that was stopped is continued by
    giving the same command again. The exit status is 1 when something was
    rejected, when the run was stopped, or when an awaited analysis did not end well.
    """

    help = "Take every file of a folder in, with one line a file; run it again to continue."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say which folder, for whom, and as what."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--user", required=True, metavar="EMAIL", help="Who owns the new studies.")
        parser.add_argument("--examination-type", metavar="CODE", help="Needed if several have a model.")
        parser.add_argument("--pattern", default="*", help='Which files, e.g. "*.dcm" or "NORMAL/*.jpeg".')
        parser.add_argument("--dry-run", action="store_true", help="Check the files and store nothing.")
        parser.add_argument(
            "--wait",
            nargs="?",
            type=float,
            const=WAIT_SECONDS,
            metavar="SECONDS",
            help=f"Wait for the analyses, {WAIT_SECONDS:.0f} seconds unless said otherwise.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Take the files in and print the summary."""
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError("This is not a folder.")
        ingestion = Ingestion(
            user=_user(options["user"]),
            examination_type=_examination_type(options["examination_type"]),
            dry_run=options["dry_run"],
        )
        stopped = self._take_all(
            ingestion, folder, pattern=options["pattern"], quiet=not options["verbosity"]
        )
        counts = ", ".join(f"{ingestion.counts[outcome]} {outcome}" for outcome in Outcome)
        self.stdout.write(f"{'Stopped' if stopped else 'Done'}: {counts}.")
        if stopped:
            self.stdout.write("Give the same command again to continue.")
        fine = not stopped and not ingestion.counts[Outcome.REJECTED]
        if options["wait"] is not None and not stopped and not options["dry_run"]:
            fine = self._wait(ingestion, seconds=options["wait"]) and fine
        if not fine:
            sys.exit(1)

    def _take_all(self, ingestion: Ingestion, folder: Path, *, pattern: str, quiet: bool) -> bool:
        """Take each file in and tell whether somebody stopped the run."""
        files = list(find_files(folder, pattern=pattern))
        with stop_between_files() as stopped, tqdm(files, unit="file", disable=quiet) as bar:
            for found in bar:
                if stopped.is_set():
                    return True
                try:
                    verdict = ingestion.take(found)
                except OSError as error:
                    raise CommandError(
                        "The file storage failed. What was accepted is kept; mend the storage and run again."
                    ) from error
                with tqdm.external_write_mode():
                    self.stdout.write(f"{found.name}: {verdict.sentence}")
        return False

    def _wait(self, ingestion: Ingestion, *, seconds: float) -> bool:
        """Wait for the answers, print how many there are, and tell whether all ended well."""
        states = wait_for_answers(ingestion.instance_ids, seconds=seconds)
        said = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        self.stdout.write(f"Analyses: {said or 'none'}.")
        return set(states) <= ANSWERED


def _user(email: str) -> User:
    user = User.objects.filter(email__iexact=email).first()
    if user is None or not user.is_active:
        raise CommandError("No active user has this address.")
    return user


def _examination_type(code: str | None) -> ExaminationType:
    if code is None:
        found = sole_examination_type()
        if found is None:
            raise CommandError("Say which type of examination the images are of, with --examination-type.")
        return found
    known = ExaminationType.objects.filter(code=code).first()
    if known is None:
        codes = ", ".join(ExaminationType.objects.values_list("code", flat=True)) or "none"
        raise CommandError(f"There is no such examination type. Those that exist: {codes}.")
    return known

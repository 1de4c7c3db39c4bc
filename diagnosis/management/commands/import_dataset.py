"""Import images that are labeled already."""

import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.models import User
from diagnosis.management.folder import read_at_most
from diagnosis.management.ingestion import stop_between_files
from diagnosis.management.labeled_files import LabeledFile, UnusableTable, read_folder, read_table
from diagnosis.selectors.limits import image_limits
from diagnosis.services.conditions import conditions_for
from diagnosis.services.dataset_import import DatasetImport, Outcome, Prepared
from medimaging.common.errors import ApplicationError
from mlcore.engine.errors import ImageError
from mlcore.models import ExaminationType, ItemState

BATCH = 64
"""Files entered in one transaction; a run that is killed loses at most these, and does them again."""


class Command(BaseCommand):
    """Import a folder whose folders are labels, or a CSV file with the columns path, label and group.

    A second run skips what was imported, so a run that was stopped is continued by giving
    the same command again. Prints one line for each file that is refused, and a summary.
    The exit status is 1 when something was refused or the run was stopped.
    """

    help = "Import labeled images into the dataset of an examination type; run it again to continue."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say what, into which dataset, and who answers for it."""
        parser.add_argument("source", type=Path, metavar="FOLDER_OR_CSV")
        parser.add_argument("--examination-type", required=True, metavar="CODE")
        parser.add_argument("--user", required=True, metavar="EMAIL", help="A data steward or administrator.")
        parser.add_argument("--name", default="", help="Names the import; the folder's name unless given.")
        parser.add_argument(
            "--label-map", action="append", default=[], metavar="LABEL=CONDITION", help="May be repeated."
        )
        parser.add_argument(
            "--absent-label",
            action="append",
            default=[],
            metavar="LABEL",
            help="A label that says that no condition is present, e.g. normal; may be repeated.",
        )
        parser.add_argument(
            "--where", action="append", default=[], metavar="COLUMN=VALUE", help="Lines of the table to take."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import the files and print the summary."""
        files = _files(options["source"], where=_pairs(options["where"], option="--where"))
        try:
            run = _start(options, files)
        except ApplicationError as error:
            raise CommandError(str(error)) from error
        stopped = self._import_all(run, files, quiet=not options["verbosity"])
        run.finish()
        self._sum_up(run, stopped=stopped)
        if stopped or run.outcomes[Outcome.REFUSED]:
            sys.exit(1)

    def _import_all(self, run: DatasetImport, files: Sequence[LabeledFile], *, quiet: bool) -> bool:
        """Import each file and tell whether somebody stopped the run."""
        batch: list[Prepared] = []
        with stop_between_files() as stopped, tqdm(files, unit="file", disable=quiet) as bar:
            for labeled in bar:
                if stopped.is_set():
                    break
                prepared = self._prepare(run, labeled)
                if prepared is not None:
                    batch.append(prepared)
                if len(batch) == BATCH:
                    run.enter(batch)
                    batch = []
            run.enter(batch)
        return stopped.is_set()

    def _prepare(self, run: DatasetImport, labeled: LabeledFile) -> Prepared | None:
        if labeled.path is None:
            self._refuse(run, labeled, labeled.problem)
            return None
        try:
            content = read_at_most(labeled.path, limit=image_limits().max_bytes)
            return run.prepare(content, name=labeled.name, labels=labeled.labels, group=labeled.group)
        except ImageError as error:
            self._refuse(run, labeled, f"refused: {error}")
        except OSError as error:
            if error.filename is None or Path(error.filename) != labeled.path:
                raise CommandError(
                    "The file storage failed. What was imported is kept; mend the storage and run again."
                ) from error
            self._refuse(run, labeled, "refused: the file cannot be read.")
        return None

    def _refuse(self, run: DatasetImport, labeled: LabeledFile, problem: str) -> None:
        run.outcomes[Outcome.REFUSED] += 1
        with tqdm.external_write_mode():
            self.stdout.write(f"{labeled.name}: {problem}")

    def _sum_up(self, run: DatasetImport, *, stopped: bool) -> None:
        counts = ", ".join(f"{run.outcomes[outcome]} {outcome}" for outcome in Outcome)
        self.stdout.write(f"{'Stopped' if stopped else 'Done'}: {counts}.")
        self.stdout.write(f"Conditions: {', '.join(run.conditions) or 'none'}.")
        states = Counter(run.examination_type.dataset_items.values_list("state", flat=True).order_by())
        self.stdout.write(
            f"The dataset holds {states.total()} images, {states[ItemState.ACCEPTED]} of them accepted; "
            f"{states[ItemState.CONFLICTING]} with conflicting labels and {states[ItemState.NEAR_DUPLICATE]} "
            "near-duplicates wait for a data steward."
        )
        if stopped:
            self.stdout.write("Give the same command again to continue.")


def _files(source: Path, *, where: Mapping[str, str]) -> list[LabeledFile]:
    if source.is_dir():
        return list(read_folder(source))
    if not source.is_file():
        raise CommandError("This is neither a folder nor a file.")
    try:
        return list(read_table(source, where=where))
    except UnusableTable as error:
        raise CommandError(str(error)) from error


def _start(options: Mapping[str, Any], files: Sequence[LabeledFile]) -> DatasetImport:
    by = User.objects.filter(email__iexact=options["user"]).first()
    if by is None or not by.is_active:
        raise CommandError("No active user has this address.")
    examination_type = ExaminationType.objects.filter(code=options["examination_type"]).first()
    if examination_type is None:
        codes = ", ".join(ExaminationType.objects.values_list("code", flat=True)) or "none"
        raise CommandError(f"There is no such examination type. Those that exist: {codes}.")
    codes_of = conditions_for(
        examination_type,
        {label for labeled in files for label in labeled.labels},
        label_map=_pairs(options["label_map"], option="--label-map"),
        absent=options["absent_label"],
        by=by,
    )
    source: Path = options["source"].resolve()
    name = options["name"] or (source if source.is_dir() else source.parent).name
    return DatasetImport(examination_type=examination_type, by=by, name=name, codes=codes_of)


def _pairs(given: Sequence[str], *, option: str) -> dict[str, str]:
    pairs = dict(pair.partition("=")[::2] for pair in given)
    if not all(name and value for name, value in pairs.items()):
        raise CommandError(f"{option} takes two names with an equals sign between them.")
    return pairs

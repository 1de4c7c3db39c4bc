"""Write a frozen dataset version to a file."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from tqdm import tqdm

from accounts.models import User
from accounts.services import audit
from medimaging.common.errors import ApplicationError
from mlcore.models import DatasetVersion, ExaminationType
from mlcore.services.datasets import export_version, freeze_version, require_steward
from mlcore.services.datasets.exports import Layout


class Command(BaseCommand):
    """Write a version as a ZIP file; without a number, freeze what is accepted now."""

    help = "Write a dataset version as a ZIP file, in one of two layouts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say which version, for whom, and where to."""
        parser.add_argument("target", type=Path, metavar="FILE.zip")
        parser.add_argument("--examination-type", required=True, metavar="CODE")
        parser.add_argument("--user", required=True, metavar="EMAIL", help="A data steward or administrator.")
        parser.add_argument("--number", type=int, help="Of the version; the data as it is now unless given.")
        parser.add_argument("--layout", choices=list(Layout), default=Layout.ZIP.value)

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file and print what it holds."""
        target: Path = options["target"]
        if target.exists():
            raise CommandError("The file exists already. Name another one.")
        try:
            self._export(target, options)
        except ApplicationError as error:
            raise CommandError(str(error)) from error

    def _export(self, target: Path, options: dict[str, Any]) -> None:
        by = User.objects.filter(email__iexact=options["user"]).first()
        if by is None or not by.is_active:
            raise CommandError("No active user has this address.")
        require_steward(by)
        version = _version(options["examination_type"], number=options["number"], by=by)
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            with tqdm(total=version.item_count, unit="image", disable=not options["verbosity"]) as bar:
                layout = Layout(options["layout"])
                count = export_version(version, part, layout=layout, on_image=lambda: _step(bar))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        with transaction.atomic():
            details = {"layout": layout.value, "images": count}
            audit.record("dataset_version.export", by=by, target=version, details=details)
        self.stdout.write(f"Wrote {count} images of {version}.")


def _step(bar: "tqdm[Any]") -> None:
    bar.update()


def _version(code: str, *, number: int | None, by: User) -> DatasetVersion:
    examination_type = ExaminationType.objects.filter(code=code).first()
    if examination_type is None:
        raise CommandError("There is no such examination type.")
    if number is None:
        return freeze_version(examination_type, by=by, note="Frozen to be exported.")
    version = examination_type.dataset_versions.filter(number=number).first()
    if version is None:
        raise CommandError("There is no dataset version of this number.")
    return version

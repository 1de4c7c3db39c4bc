"""Fill an empty installation from a backup, after every checksum was checked."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from accounts.services.audit import verify_chain
from diagnosis.management.commands.backup import FORMAT, MANIFEST
from diagnosis.management.dumps import dump_name, load, require_empty
from diagnosis.management.stored_files import copy_in, sha256_of
from diagnosis.models import Instance
from mlcore.models import ModelVersion


class Command(BaseCommand):
    """Checks first, then restores, then checks again what came out."""

    help = "Restore the backup in FOLDER into an empty database and storage."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the folder, and whether to look only."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--check", action="store_true", help="check every checksum and restore nothing")

    def handle(self, *args: Any, folder: Path, check: bool, **options: Any) -> None:
        """Restore, or say what is wrong and change nothing."""
        manifest = _manifest(folder)
        _require_whole(folder, manifest)
        files = manifest["files"]
        if check:
            self.stdout.write(f"The backup is whole: the database and {len(files)} files.")
            return
        if manifest["engine"] != connection.vendor:
            raise CommandError(
                f"This is a backup of a {manifest['engine']} database, and the installation uses "
                f"{connection.vendor}. Set MEDIMAGING_DATABASE_URL to an empty {manifest['engine']} database."
            )
        require_empty()
        for key in files:
            copy_in(key, folder / "files")
        load(folder / manifest["database"]["name"])
        self._check_restored(manifest)
        self.stdout.write(
            f"Restored the database and {len(files)} files. Run manage.py migrate if the software is newer."
        )

    def _check_restored(self, manifest: Mapping[str, Any]) -> None:
        """Hold what came out against what the rows name and what the trail says."""
        wanted = {*Instance.objects.values_list("content_key", flat=True)}
        wanted |= {*ModelVersion.objects.values_list("artifact_key", flat=True)}
        missing = sorted(wanted - set(manifest["files"]))
        if missing:
            raise CommandError(f"{len(missing)} files that rows name are not in the backup: {missing[:5]}")
        report = verify_chain()
        if not report.is_whole:
            raise CommandError(f"The audit trail in the backup is broken: {report.problem}")
        self.stdout.write(f"The audit trail is whole: {report.head_sequence}:{report.head_hash}")


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise CommandError(
            f"{folder} holds no finished backup: its {MANIFEST} is missing or damaged."
        ) from error
    if manifest.get("format") != FORMAT:
        raise CommandError("The backup was made by another version of this software.")
    if manifest["database"]["name"] != dump_name() and manifest["engine"] == connection.vendor:
        raise CommandError("The backup names a database file that this software does not write.")
    return manifest


def _require_whole(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Check every checksum before anything is changed."""
    root = folder / "files"
    expected = {folder / manifest["database"]["name"]: manifest["database"]["sha256"]}
    for key, digest in manifest["files"].items():
        path = root / key
        if not path.resolve().is_relative_to(root.resolve()):
            raise CommandError(f"The manifest names a file outside of the backup: {key}")
        expected[path] = digest
    wrong = [str(p) for p, digest in expected.items() if not p.is_file() or sha256_of(p) != digest]
    if wrong:
        raise CommandError(
            f"{len(wrong)} files of the backup are missing or damaged, and nothing was restored: {wrong[:5]}"
        )

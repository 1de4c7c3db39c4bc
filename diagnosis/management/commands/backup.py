"""Copy the whole installation, with a checksum for everything."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from accounts.services.audit import verify_chain
from diagnosis.management.dumps import dump, dump_name
from diagnosis.management.stored_files import copy_out, digest_in, sha256_of, stored_keys

MANIFEST = "manifest.json"
FORMAT = 1


class Command(BaseCommand):
    """Writes a folder that `restore` reads; files of an earlier backup in it are not copied again."""

    help = (
        "Copy database and files into FOLDER while the site runs. The secrets are not in it: "
        "keep MEDIMAGING_SECRET_KEY and MEDIMAGING_IDENTITY_KEY elsewhere."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the folder."""
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        """Copy the database first: a file without a row is harmless, a row without its file is not."""
        name = dump_name()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / MANIFEST).unlink(missing_ok=True)  # whatever happens now, this is no whole backup
        draft = folder / f"{name}.part"
        draft.unlink(missing_ok=True)
        dump(draft)
        draft.replace(folder / name)
        head = verify_chain()
        files = {key: copy_out(key, folder / "files") for key in stored_keys()}
        damaged = [key for key, digest in files.items() if digest_in(key) not in ("", digest)]
        if damaged:
            raise CommandError(f"{len(damaged)} stored files are not what their names promise: {damaged[:5]}")
        manifest = {
            "format": FORMAT,
            "engine": connection.vendor,
            "made_at": timezone.now().isoformat(),
            "database": {"name": name, "sha256": sha256_of(folder / name)},
            "audit_head": f"{head.head_sequence}:{head.head_hash}",
            "files": files,
        }
        draft = folder / f"{MANIFEST}.part"
        draft.write_text(json.dumps(manifest, indent=1, sort_keys=True))
        draft.replace(folder / MANIFEST)
        self.stdout.write(f"{len(files)} files and the database are in {folder}, every one with its SHA-256.")

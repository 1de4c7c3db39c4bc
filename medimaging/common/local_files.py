"""Local files that are there whole or not at all, also after a power cut."""

import os
import secrets
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage


class WholeFileStorage(FileSystemStorage):
    """Writes beside the file, to the disk, and only then gives it its name."""

    def _save(self, name: str, content: File[Any]) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True, mode=self.directory_permissions_mode or 0o777)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, self.file_permissions_mode or 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        _keep_name(path.parent)
        return str(name).replace("\\", "/")

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return folders and files, without what a killed process left unfinished."""
        folders, files = super().listdir(path)
        return folders, [name for name in files if not name.endswith(".part")]


def _keep_name(folder: Path) -> None:
    """Write the folder itself to the disk: a file without its name is lost."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

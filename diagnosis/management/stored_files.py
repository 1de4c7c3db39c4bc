"""Every file of the storage, wherever it is, copied with its checksum."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from medimaging.common.storage import read_content

MADE_AGAIN = frozenset({"thumbnails", "previews", "probe"})
"""What is made anew when it is missing."""
NAMED_BY_CONTENT = re.compile(r"/([0-9a-f]{64})\.[a-z0-9]+$")


def stored_keys(folder: str = "") -> Iterator[str]:
    """Yield the key of each file that has to be kept."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:  # nothing was stored yet
        return
    for name in sorted(files):
        yield f"{folder}/{name}" if folder else name
    for name in sorted(folders):
        if folder or name not in MADE_AGAIN:
            yield from stored_keys(f"{folder}/{name}" if folder else name)


def copy_out(key: str, folder: Path) -> str:
    """Copy a file into `folder` and return its SHA-256; what an earlier copy left whole is kept."""
    path = folder / key
    expected = digest_in(key)
    if expected and path.is_file() and sha256_of(path) == expected:
        return expected
    content = read_content(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
    return hashlib.sha256(content).hexdigest()


def copy_in(key: str, folder: Path) -> None:
    """Store a copied file under its key again."""
    if default_storage.exists(key):
        default_storage.delete(key)
    default_storage.save(key, ContentFile((folder / key).read_bytes()))


def digest_in(key: str) -> str:
    """Return the SHA-256 that the name promises, or nothing where it promises none."""
    found = NAMED_BY_CONTENT.search(key)
    return found[1] if found else ""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file of this machine."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Private, content-addressed files behind django-storages."""

import hashlib

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage


def content_key(content: bytes, *, kind: str, extension: str) -> str:
    """Return the key under which `content` is stored: its kind and its SHA-256."""
    digest = hashlib.sha256(content).hexdigest()
    return f"{kind}/{digest[:2]}/{digest[2:4]}/{digest}.{extension}"


def store_content(content: bytes, *, kind: str, extension: str) -> str:
    """Write `content` to completion and return its key.

    Writing the same content twice is one file. A file of another size under the
    key is what a killed process left, and is written again.
    """
    key = content_key(content, kind=kind, extension=extension)
    if default_storage.exists(key):
        if default_storage.size(key) == len(content):
            return key
        default_storage.delete(key)
    return default_storage.save(key, ContentFile(content))


def store_derived(key: str, content: bytes) -> None:
    """Keep what can be made again at any time under a key of the caller's choice."""
    default_storage.save(key, ContentFile(content))


def read_content(key: str) -> bytes:
    """Return the content under `key`."""
    with default_storage.open(key, "rb") as file:
        content: bytes = file.read()
    return content


def content_exists(key: str) -> bool:
    """Tell whether there is content under `key`."""
    found: bool = default_storage.exists(key)
    return found


def delete_content(key: str) -> None:
    """Remove the content under `key`; removing what is gone is no error."""
    default_storage.delete(key)

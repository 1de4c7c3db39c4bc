"""What a hostile file is, and what the intake makes of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from diagnosis.dicom.deidentify import deidentify
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.imaging.encode import sanitize_image
from mlcore.engine.imaging.formats import HEAD_BYTES, detect_format
from mlcore.engine.types import ImageFormat

CLEANED = "cleaned"
SECRET = b"<script>hostile()</script>"
"""Stands in every file that is cleaned, and must not stand in what is kept."""

EMPTY = "empty_file"
UNKNOWN = "unknown_format"
UNREADABLE = "unreadable_image"
UNSUPPORTED = "unsupported_image"
TOO_LARGE = "image_too_large"

KEY = b"a key of at least sixteen bytes"


@dataclass(frozen=True)
class Hostile:
    """A file that is made when it is needed, because some are large."""

    name: str
    make: Callable[[], bytes]
    verdict: str


def squeezed(size: int, *, block: bytes = b"\0", window: int = zlib.MAX_WBITS) -> bytes:
    """Return about `size` bytes of `block` over and over, compressed without ever holding them all."""
    packer = zlib.compressobj(1, zlib.DEFLATED, window)
    piece = block * (1_000_000 // len(block))
    return b"".join(packer.compress(piece) for _ in range(size // len(piece))) + packer.flush()


def take_in(data: bytes) -> bytes:
    """Do with a file what the intake does: refuse it, or return what is kept of it."""
    if detect_format(data[:HEAD_BYTES]) is ImageFormat.DICOM:
        kept = deidentify(data, key=KEY).content
    else:
        kept = sanitize_image(data).content
    decode_image(kept)
    return kept

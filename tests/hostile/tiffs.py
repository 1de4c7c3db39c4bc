"""Hostile TIFF files, built by hand."""

from __future__ import annotations

import io
import struct

import numpy as np
import tifffile

from tests.hostile.verdicts import CLEANED, SECRET, TOO_LARGE, UNREADABLE, UNSUPPORTED, Hostile, squeezed
from tests.mlcore.engine.imaging.samples import gradient

Entry = tuple[int, int, int, int]
"""Tag, type (3 short, 4 long), count and value."""


def entries(rows: int, columns: int, *, size: int, place: int, **changes: Entry) -> list[Entry]:
    plain: dict[str, Entry] = {
        "columns": (256, 4, 1, columns),
        "rows": (257, 4, 1, rows),
        "bits": (258, 3, 1, 8),
        "compression": (259, 3, 1, 1),
        "photometric": (262, 3, 1, 1),
        "offsets": (273, 4, 1, place),
        "samples": (277, 3, 1, 1),
        "strip_rows": (278, 4, 1, rows),
        "counts": (279, 4, 1, size),
    }
    return sorted({**plain, **changes}.values())


def directory(listed: list[Entry], *, following: int = 0) -> bytes:
    body = b"".join(struct.pack("<HHII", *entry) for entry in listed)
    return struct.pack("<H", len(listed)) + body + struct.pack("<I", following)


def tiff(
    rows: int = 8, columns: int = 8, *, strip: bytes = bytes(64), following: int = 0, **changes: Entry
) -> bytes:
    """Return a TIFF file of one strip, its directory right after the header."""
    count = len(entries(rows, columns, size=0, place=0, **changes))
    place = 8 + 2 + 12 * count + 4
    listed = entries(rows, columns, size=len(strip), place=place, **changes)
    return b"II*\0\x08\0\0\0" + directory(listed, following=following) + strip


def countless_pages() -> bytes:
    """Return a chain of 3,000 directories that share one strip."""
    length = len(directory(entries(8, 8, size=64, place=0)))
    count = 3000
    place = 8 + length * count
    chain = [
        directory(
            entries(8, 8, size=64, place=place),
            following=8 + length * (index + 1) if index + 1 < count else 0,
        )
        for index in range(count)
    ]
    return b"II*\0\x08\0\0\0" + b"".join(chain) + bytes(64)


def written(pixels: np.ndarray, **options: object) -> bytes:
    target = io.BytesIO()
    tifffile.imwrite(target, pixels, **options)
    return target.getvalue()


def tiles_of_any_size() -> bytes:
    tiled = {"offsets": (324, 4, 1, 8), "counts": (325, 4, 1, 64)}
    return tiff(width=(322, 4, 1, 2**31), height=(323, 4, 1, 2**31), **tiled)


DEFLATE = (259, 3, 1, 8)

FILES = [
    Hostile("tiff: header alone", lambda: b"II*\0\x08\0\0\0", UNREADABLE),
    Hostile("tiff: directory beyond the end", lambda: b"II*\0\xff\xff\xff\x7f" + bytes(100), UNREADABLE),
    Hostile("tiff: directory is the header", lambda: b"II*\0\0\0\0\0" + bytes(100), UNREADABLE),
    Hostile("tiff: empty directory", lambda: b"II*\0\x08\0\0\0" + bytes(6), UNREADABLE),
    Hostile("tiff: directory that follows itself", lambda: tiff(following=8) + SECRET, CLEANED),
    Hostile("tiff: countless pages", countless_pages, TOO_LARGE),
    Hostile("tiff: 2^31 - 1 pixels a side", lambda: tiff(2**31 - 1, 2**31 - 1), TOO_LARGE),
    Hostile("tiff: 60000 by 60000 pixels", lambda: tiff(60_000, 60_000), TOO_LARGE),
    Hostile("tiff: no pixels across", lambda: tiff(8, 0), UNREADABLE),
    Hostile("tiff: strip shorter than the picture", lambda: tiff(4000, 4000), UNREADABLE),
    Hostile("tiff: strip beyond the end", lambda: tiff(offsets=(273, 4, 1, 2**31)), UNREADABLE),
    Hostile("tiff: a tag of 2^32 - 1 values", lambda: tiff(offsets=(273, 4, 2**32 - 1, 8)), UNREADABLE),
    Hostile("tiff: a text of 2^32 - 1 letters", lambda: tiff(note=(270, 2, 2**32 - 1, 8)) + SECRET, CLEANED),
    Hostile("tiff: a tag of a type nobody knows", lambda: tiff(note=(65000, 99, 4, 8)) + SECRET, CLEANED),
    Hostile("tiff: 64 bits a sample", lambda: tiff(bits=(258, 3, 1, 64)), UNSUPPORTED),
    Hostile("tiff: 65535 samples a pixel", lambda: tiff(samples=(277, 3, 1, 65535)), UNREADABLE),
    Hostile("tiff: compression nobody knows", lambda: tiff(compression=(259, 3, 1, 60_000)), UNREADABLE),
    Hostile("tiff: deflated strip that is none", lambda: tiff(compression=DEFLATE), UNREADABLE),
    Hostile(
        "tiff: deflated strip of 200 MB for 64 pixels",
        lambda: tiff(strip=squeezed(200_000_000), compression=DEFLATE) + SECRET,
        CLEANED,
    ),
    Hostile("tiff: tiles of 2^31 pixels", tiles_of_any_size, UNREADABLE),
    Hostile(
        "tiff: rows of a strip of 2^32 - 1", lambda: tiff(strip_rows=(278, 4, 1, 2**32 - 1)) + SECRET, CLEANED
    ),
    Hostile("tiff: floating point", lambda: written(gradient(dtype="float32")), UNSUPPORTED),
    Hostile(
        "tiff: big-endian BigTIFF", lambda: written(gradient(), bigtiff=True, byteorder=">"), UNSUPPORTED
    ),
    Hostile("tiff: cut in the middle", lambda: written(gradient(200, 200))[:20_000], UNREADABLE),
    Hostile(
        "tiff: script in a description", lambda: written(gradient(), description=SECRET.decode()), CLEANED
    ),
    Hostile("tiff: archive after the end", lambda: written(gradient()) + b"PK\x03\x04" + SECRET, CLEANED),
]

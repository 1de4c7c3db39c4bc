"""Hostile PNG files."""

from __future__ import annotations

import struct
import zlib

from tests.hostile.verdicts import CLEANED, SECRET, TOO_LARGE, UNREADABLE, UNSUPPORTED, Hostile, squeezed
from tests.mlcore.engine.imaging.samples import gradient, picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PLAIN = picture(gradient())


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def header(columns: int, rows: int, *, depth: int = 8, color: int = 0, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, depth, color, 0, 0, interlace))


def png(*chunks: bytes) -> bytes:
    return SIGNATURE + b"".join(chunks) + chunk(b"IEND")


def with_chunks(*chunks: bytes) -> bytes:
    """Return a sound picture with more chunks before its pixels."""
    return PLAIN[:33] + b"".join(chunks) + PLAIN[33:]


def pixels(size: int) -> bytes:
    return chunk(b"IDAT", squeezed(size))


def bad_checksum() -> bytes:
    data = bytearray(PLAIN)
    data[29] ^= 1
    return bytes(data)


FILES = [
    Hostile("png: signature alone", lambda: SIGNATURE, UNREADABLE),
    Hostile("png: no header", lambda: SIGNATURE + chunk(b"IEND"), UNREADABLE),
    Hostile("png: 65535 by 65535 pixels", lambda: png(header(65535, 65535), pixels(10)), TOO_LARGE),
    Hostile("png: 2^31 - 1 pixels a side", lambda: png(header(2**31 - 1, 2**31 - 1), pixels(10)), TOO_LARGE),
    Hostile("png: 2^32 - 1 pixels a side", lambda: png(header(2**32 - 1, 2**32 - 1), pixels(10)), TOO_LARGE),
    Hostile("png: no pixels across", lambda: png(header(0, 10), pixels(10)), UNREADABLE),
    Hostile("png: fewer pixels than declared", lambda: png(header(5000, 5000), pixels(1000)), UNREADABLE),
    Hostile("png: no pixels at all", lambda: png(header(10, 10)), UNREADABLE),
    Hostile(
        "png: pixels that unpack to half a gigabyte",
        lambda: png(header(100, 100), pixels(500_000_000)) + SECRET,
        CLEANED,
    ),
    Hostile(
        "png: pixels that are no zlib stream", lambda: png(header(9, 9), chunk(b"IDAT", SECRET)), UNREADABLE
    ),
    Hostile(
        "png: compressed text of 100 MB",
        lambda: with_chunks(chunk(b"zTXt", b"Comment\0\0" + squeezed(100_000_000, block=SECRET))),
        CLEANED,
    ),
    Hostile(
        "png: color profile of 100 MB",
        lambda: with_chunks(chunk(b"iCCP", b"Profile\0\0" + squeezed(100_000_000, block=SECRET))),
        CLEANED,
    ),
    Hostile("png: script in a text", lambda: with_chunks(chunk(b"tEXt", b"Comment\0" + SECRET)), CLEANED),
    Hostile("png: script in a private chunk", lambda: with_chunks(chunk(b"evIl", SECRET)), CLEANED),
    Hostile("png: script in EXIF", lambda: with_chunks(chunk(b"eXIf", b"II*\0\x08\0\0\0" + SECRET)), CLEANED),
    Hostile("png: archive after the end", lambda: PLAIN + b"PK\x03\x04" + SECRET, CLEANED),
    Hostile("png: second picture after the end", lambda: PLAIN + PLAIN + SECRET, CLEANED),
    Hostile("png: header twice", lambda: with_chunks(header(60_000, 60_000)), UNREADABLE),
    Hostile("png: wrong checksum", bad_checksum, UNREADABLE),
    Hostile("png: chunk of 2^32 - 1 bytes", lambda: PLAIN[:33] + b"\xff\xff\xff\xfftEXt", UNREADABLE),
    Hostile("png: no end", lambda: PLAIN[:-12], UNREADABLE),
    Hostile("png: unknown critical chunk", lambda: with_chunks(chunk(b"EVIL", SECRET)), UNSUPPORTED),
    Hostile("png: countless chunks", lambda: with_chunks(chunk(b"tEXt") * 2_000_000), UNREADABLE),
    Hostile(
        "png: palette picture without palette", lambda: png(header(9, 9, color=3), pixels(90)), UNREADABLE
    ),
    Hostile(
        "png: interlaced, and its passes cut",
        lambda: png(header(99, 99, interlace=1), pixels(50)),
        UNREADABLE,
    ),
    Hostile(
        "png: animation of a million frames",
        lambda: with_chunks(
            chunk(b"acTL", struct.pack(">II", 1_000_000, 0)), chunk(b"tEXt", b"a\0" + SECRET)
        ),
        CLEANED,
    ),
]

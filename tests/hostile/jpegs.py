"""Hostile JPEG files."""

from __future__ import annotations

import struct

from tests.hostile.verdicts import CLEANED, SECRET, TOO_LARGE, UNREADABLE, UNSUPPORTED, Hostile
from tests.mlcore.engine.imaging.samples import gradient, picture

PLAIN = picture(gradient(), format="JPEG")
PROGRESSIVE = picture(gradient(), format="JPEG", progressive=True)
FRAME = PLAIN.index(b"\xff\xc0")
SCAN = PLAIN.index(b"\xff\xda")


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def with_segments(*segments: bytes) -> bytes:
    return PLAIN[:2] + b"".join(segments) + PLAIN[2:]


def changed(offset: int, value: bytes) -> bytes:
    """Return the file with bytes of its frame header replaced."""
    place = FRAME + offset
    return PLAIN[:place] + value + PLAIN[place + len(value) :]


def countless_scans() -> bytes:
    scan = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
    return PROGRESSIVE[:-2] + scan * 5000 + PROGRESSIVE[-2:]


def circular_exif() -> bytes:
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 1) + entry + struct.pack("<I", 8) + SECRET


FILES = [
    Hostile("jpeg: start alone", lambda: b"\xff\xd8\xff", UNREADABLE),
    Hostile("jpeg: start and end", lambda: b"\xff\xd8\xff\xd9", UNREADABLE),
    Hostile("jpeg: cut in the middle", lambda: PLAIN[: (SCAN + len(PLAIN)) // 2], UNREADABLE),
    Hostile("jpeg: cut before its scan", lambda: PLAIN[:SCAN], UNREADABLE),
    Hostile("jpeg: no scan, but an end", lambda: PLAIN[:SCAN] + b"\xff\xd9", UNREADABLE),
    Hostile("jpeg: 65500 by 65500 pixels", lambda: changed(5, struct.pack(">HH", 65500, 65500)), TOO_LARGE),
    Hostile("jpeg: larger than its scan", lambda: changed(5, struct.pack(">HH", 7000, 7000)), UNREADABLE),
    Hostile("jpeg: no rows", lambda: changed(5, b"\0\0"), UNREADABLE),
    Hostile("jpeg: no columns", lambda: changed(7, b"\0\0"), UNREADABLE),
    Hostile("jpeg: 255 components", lambda: changed(9, b"\xff"), UNREADABLE),
    Hostile("jpeg: no components", lambda: changed(9, b"\0"), UNREADABLE),
    Hostile("jpeg: 12 bits", lambda: changed(4, b"\x0c"), UNSUPPORTED),
    Hostile("jpeg: lossless", lambda: changed(1, b"\xc3"), UNSUPPORTED),
    Hostile("jpeg: arithmetic coding it does not have", lambda: changed(1, b"\xc9"), UNSUPPORTED),
    Hostile("jpeg: countless scans", countless_scans, UNREADABLE),
    Hostile("jpeg: segment of no length", lambda: PLAIN[:2] + b"\xff\xe5\0\0" + PLAIN[2:], UNREADABLE),
    Hostile("jpeg: segment beyond the end", lambda: PLAIN[:2] + b"\xff\xe5\xff\xff" + PLAIN[2:], UNREADABLE),
    Hostile("jpeg: markers nobody knows", lambda: with_segments(segment(0xEF, SECRET) * 300), CLEANED),
    Hostile(
        "jpeg: fill bytes without end", lambda: PLAIN[:2] + b"\xff" * 20_000_000 + PLAIN[2:] + SECRET, CLEANED
    ),
    Hostile("jpeg: script in a comment", lambda: with_segments(segment(0xFE, SECRET)), CLEANED),
    Hostile(
        "jpeg: EXIF that points to itself", lambda: with_segments(segment(0xE1, circular_exif())), CLEANED
    ),
    Hostile(
        "jpeg: color profile of garbage",
        lambda: with_segments(segment(0xE2, b"ICC_PROFILE\0" + SECRET)),
        CLEANED,
    ),
    Hostile(
        "jpeg: web page in its comment", lambda: with_segments(segment(0xFE, b"<html>" + SECRET)), CLEANED
    ),
    Hostile("jpeg: archive after the end", lambda: PLAIN + b"PK\x03\x04" + SECRET, CLEANED),
    Hostile(
        "jpeg: pictures without number in MPF",
        lambda: with_segments(segment(0xE2, b"MPF\0II*\0" + SECRET)),
        CLEANED,
    ),
    Hostile(
        "jpeg: quantization table of zeros",
        lambda: with_segments(segment(0xDB, bytes(130))) + SECRET,
        CLEANED,
    ),
    Hostile("jpeg: countless segments", lambda: with_segments(segment(0xEF, b"") * 1_000_000), UNREADABLE),
    Hostile(
        "jpeg: second half of its scan missing",
        lambda: PLAIN[: (SCAN + len(PLAIN)) // 2] + b"\xff\xd9",
        UNREADABLE,
    ),
    Hostile("jpeg: two frame headers", lambda: PLAIN[:FRAME] + PLAIN[FRAME:SCAN] + PLAIN[FRAME:], UNREADABLE),
]

"""Files that are no image of a format that is read."""

from __future__ import annotations

import gzip
import io
import zipfile

from tests.hostile.verdicts import EMPTY, UNKNOWN, Hostile


def zip_archive() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("image.png", bytes(10_000_000))
    return target.getvalue()


FILES = [
    Hostile("nothing", lambda: b"", EMPTY),
    Hostile("one zero byte", lambda: b"\0", UNKNOWN),
    Hostile("a megabyte of zeros", lambda: bytes(1_000_000), UNKNOWN),
    Hostile("a megabyte of ones", lambda: b"\xff" * 1_000_000, UNKNOWN),
    Hostile("text named .dcm", lambda: b"This is no image.\r\n" * 100, UNKNOWN),
    Hostile("a web page", lambda: b"<!DOCTYPE html><script>alert(1)</script>", UNKNOWN),
    Hostile("a drawing with a script", lambda: b"<svg onload='alert(1)'/>", UNKNOWN),
    Hostile("a ZIP bomb", zip_archive, UNKNOWN),
    Hostile("a gzip bomb", lambda: gzip.compress(bytes(10_000_000)), UNKNOWN),
    Hostile("a PDF document", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", UNKNOWN),
    Hostile("a Windows program", lambda: b"MZ" + bytes(500), UNKNOWN),
    Hostile("a Linux program", lambda: b"\x7fELF\x02\x01\x01" + bytes(500), UNKNOWN),
    Hostile("a GIF that says it is a PNG by name", lambda: b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", UNKNOWN),
    Hostile("a WebP image", lambda: b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0", UNKNOWN),
    Hostile(
        "an encrypted envelope", lambda: b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", UNKNOWN
    ),
    Hostile("a shell script", lambda: b"#!/bin/sh\nrm -rf /\n", UNKNOWN),
]

"""How a file and a request are damaged."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st
from PIL import Image

from tests.hostile import CORPUS
from tests.pictures import texture_png

LARGEST_SEED = 24_000
SAMPLES = Path(__file__).resolve().parents[2] / "tests/mlcore/engine/imaging/data"
INTEGERS = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF]
HEADERS = [
    b'Content-Disposition: form-data; name="file"; filename="x.png"',
    b'Content-Disposition: form-data; name="file"; filename="../../../etc/passwd"',
    b"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%2e%2e%2f%00.dcm",
    b'Content-Disposition: form-data; name="file"; filename="' + b"x" * 5000 + b'"',
    b'Content-Disposition: form-data; name="patient_identifier"',
    b'Content-Disposition: form-data; name="examination_type"',
    b'Content-Disposition: form-data; name="\xff\xfe"; filename="\x00"',
    b"Content-Disposition: attachment",
    b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: quoted-printable",
    b"Content-Type: application/dicom",
    b"Content-Type: multipart/mixed; boundary=inner",
    b"Content-Length: 99999999999999999999",
    b"X: " + b"y" * 9000,
    b"",
    b":",
]

TYPES = [
    *("application/dicom", "image/png", "application/octet-stream", "text/html"),
    *("multipart/form-data", "", "/"),
]


def seeds() -> list[bytes]:
    """Return small files of every kind: hostile ones, and sound ones to damage."""
    hostile = (one.make() for one in CORPUS.values() if "bomb" not in one.name)
    picture = Image.open(io.BytesIO(texture_png(1, side=48)))
    sound = [_written(picture, kind) for kind in ("PNG", "JPEG", "TIFF")]
    dicom = [path.read_bytes() for path in sorted(SAMPLES.glob("*.dcm"))]
    return [seed for seed in (*sound, *dicom, *hostile) if len(seed) <= LARGEST_SEED]


def damaged_files() -> st.SearchStrategy[bytes]:
    """Sound and hostile files, damaged up to six times."""
    known = seeds()
    one = st.sampled_from(known)
    damages = st.lists(
        st.tuples(st.sampled_from(DAMAGES), st.integers(0, 2**31), st.binary(max_size=16)), max_size=6
    )
    return st.builds(_damage, one, damages, one)


def requests() -> st.SearchStrategy[tuple[str, bytes]]:
    """Content types with bodies: multipart that is almost right, and bodies that are the file itself."""
    files = st.one_of(damaged_files(), st.binary(max_size=200))
    part = st.tuples(st.lists(st.sampled_from(HEADERS), max_size=5), files)
    boundary = st.sampled_from([b"b", b"----x", b"b" * 70, b"b" * 300, b"", b"\xff", b'"b"', b"b\r\nX: y"])
    ends = st.sampled_from([b"\r\n", b"\n", b"\r", b"", b"--", b"\r\n\r\n"])
    multipart = st.builds(
        _multipart, boundary, boundary, st.lists(part, max_size=4), ends, ends, st.booleans()
    )
    types = [
        "application/dicom",
        "image/png",
        "application/octet-stream",
        "text/html",
        "multipart/form-data",
        "",
        "/",
    ]
    return st.one_of(multipart, multipart, st.tuples(st.sampled_from(types), files))


def _written(picture: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


def _multipart(
    said: bytes,
    used: bytes,
    parts: list[tuple[list[bytes], bytes]],
    after_headers: bytes,
    after_part: bytes,
    honest: bool,
) -> tuple[str, bytes]:
    used = said if honest else used
    body = b"".join(
        b"--"
        + used
        + b"\r\n"
        + b"\r\n".join(headers)
        + b"\r\n"
        + (b"\r\n" if honest else after_headers)
        + content
        + (b"\r\n" if honest else after_part)
        for headers, content in parts
    )
    return f"multipart/form-data; boundary={said.decode('latin-1')}", body + b"--" + used + b"--\r\n"


def _damage(seed: bytes, damages: list[tuple[Damage, int, bytes]], other: bytes) -> bytes:
    for damage, place, extra in damages:
        seed = damage(seed, place % (len(seed) + 1), extra or other[place % (len(other) + 1) :][:64])
    return seed


def _overwrite(seed: bytes, place: int, extra: bytes) -> bytes:
    return seed[:place] + extra + seed[place + len(extra) :]


def _insert(seed: bytes, place: int, extra: bytes) -> bytes:
    return seed[:place] + extra + seed[place:]


def _cut(seed: bytes, place: int, extra: bytes) -> bytes:
    del extra
    return seed[:place]


def _leave_out(seed: bytes, place: int, extra: bytes) -> bytes:
    return seed[:place] + seed[place + len(extra) :]


def _repeat(seed: bytes, place: int, extra: bytes) -> bytes:
    return seed[:place] + seed[max(0, place - 4 * len(extra)) : place] * 8 + seed[place:]


def _number(order: str) -> Damage:
    def write(seed: bytes, place: int, extra: bytes) -> bytes:
        value = INTEGERS[sum(extra) % len(INTEGERS)]
        return _overwrite(seed, place, struct.pack(f"{order}I", value)[: 2 + 2 * (len(extra) % 2)])

    return write


Damage = Callable[[bytes, int, bytes], bytes]
DAMAGES: list[Damage] = [
    _overwrite,
    _insert,
    _cut,
    _leave_out,
    _repeat,
    _number("<"),
    _number(">"),
    _number("<"),
]

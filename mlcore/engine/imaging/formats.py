"""Tell image formats apart by their first bytes, never by name or content type."""

from __future__ import annotations

from mlcore.engine.errors import EmptyFile, UnknownFormat
from mlcore.engine.types import ImageFormat

HEAD_BYTES = 4096
"""How much of a file `detect_format` looks at, at most."""

_PNG = b"\x89PNG\r\n\x1a\n"
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_VALUE_REPRESENTATIONS = frozenset(
    b"AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OV OW "
    b"PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)
_FIRST_ELEMENTS = frozenset({0x0000, 0x0001, 0x0005, 0x0006, 0x0008, 0x0012, 0x0014, 0x0016, 0x0018, 0x0020})

# First bytes, what they are the mark of, and what to do with such a file.
_ZIP = "Unpack it and send the images inside."
_CONVERT = "Export the image as PNG, JPEG, TIFF or DICOM and send that."
_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF document", _CONVERT),
    (b"PK\x03\x04", "a ZIP archive", _ZIP),
    (b"PK\x05\x06", "an empty ZIP archive", _ZIP),
    (b"Rar!", "a RAR archive", _ZIP),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _ZIP),
    (b"\x1f\x8b", "a gzip archive", _ZIP),
    (b"BZh", "a bzip2 archive", _ZIP),
    (b"\xfd7zXZ", "an XZ archive", _ZIP),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _ZIP),
    (b"GIF8", "a GIF image", _CONVERT),
    (b"BM", "a BMP image", _CONVERT),
    (b"\x8aMNG", "an MNG animation", _CONVERT),
    (b"\x00\x00\x00\x0cjP  ", "a bare JPEG 2000 image", _CONVERT),
    (b"\xff\x4f\xff\x51", "a bare JPEG 2000 codestream", _CONVERT),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image", _CONVERT),
    (b"\xff\x0a", "a JPEG XL image", _CONVERT),
    (b"8BPS", "a Photoshop document", _CONVERT),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video", "Send single images: a video is not read."),
    (b"NRRD", "an NRRD volume", _CONVERT),
    (b"\x89HDF", "an HDF5 file", _CONVERT),
    (b"CDF", "a MINC or NetCDF file", _CONVERT),
    (b"\x5c\x01\x00\x00", "a NIfTI volume", _CONVERT),
    (b"\x5c\x01", "a NIfTI volume", _CONVERT),
    (b"\x00\x00\x01\x5c", "a NIfTI volume", _CONVERT),
    (b"MZ", "a Windows program", "Send the image itself, not a viewer or an installer."),
    (b"\x7fELF", "a program", "Send the image itself."),
    (b"\xd0\xcf\x11\xe0", "an Office document", _CONVERT),
    (b"SQLite format 3", "a database", "Send the image itself."),
)


def detect_format(head: bytes) -> ImageFormat:
    """Return the format of the file that begins with `head`.

    `head` should hold the first `HEAD_BYTES` bytes, or the whole file. A file
    with 'DICM' at byte 128 is DICOM whatever its preamble says, because the
    preamble is free for any use (PS3.10 7.1). Raises `EmptyFile` where there is
    nothing and `UnknownFormat`, naming what it looks like, for anything else.
    """
    if not head:
        raise EmptyFile("The file is empty.")
    if head[128:132] == b"DICM":
        return ImageFormat.DICOM
    if head.startswith(_PNG):
        return ImageFormat.PNG
    if head.startswith(b"\xff\xd8\xff"):
        return ImageFormat.JPEG
    if head.startswith(_TIFF):
        return ImageFormat.TIFF
    if _looks_like_bare_dicom(head):
        return ImageFormat.DICOM
    raise _unknown(head)


def _looks_like_bare_dicom(head: bytes) -> bool:
    """Whether the file begins with a data element, as DICOM without preamble does.

    Only group 0002 or 0008 is taken for one, with a known value representation
    or, in implicit VR, one of the elements that begin that group and a short even length.
    """
    if len(head) < 8:
        return False
    for byte_order in ("little", "big"):
        group = int.from_bytes(head[0:2], byte_order)
        element = int.from_bytes(head[2:4], byte_order)
        if group not in (0x0002, 0x0008):
            continue
        if head[4:6] in _VALUE_REPRESENTATIONS:
            return True
        length = int.from_bytes(head[4:8], byte_order)
        if byte_order == "little" and element in _FIRST_ELEMENTS and length <= 256 and length % 2 == 0:
            return True
    return False


def _unknown(head: bytes) -> UnknownFormat:
    for magic, what, mend in _OTHERS:
        if head.startswith(magic):
            return UnknownFormat(f"The file is {what}, which is not read here.", mend=mend)
    if head[:4] == b"RIFF":
        what = "a WebP image" if head[8:12] == b"WEBP" else "a sound or video file"
        return UnknownFormat(f"The file is {what}, which is not read here.", mend=_CONVERT)
    if head[4:8] == b"ftyp":
        what = "a HEIF or AVIF image" if head[8:12] in (b"heic", b"heix", b"mif1", b"avif") else "a video"
        return UnknownFormat(f"The file is {what}, which is not read here.", mend=_CONVERT)
    if head[:1] == b"\x30" and b"\x2a\x86\x48\x86\xf7\x0d\x01\x07" in head[:64]:
        return UnknownFormat(
            "The file is an encrypted or signed envelope (CMS), which is not read here.",
            mend="Decrypt it and send the DICOM file inside.",
        )
    if not head.strip(b"\x00"):
        return UnknownFormat("The file begins with zeros only.", mend="Export the image again.")
    return _unknown_text(head) or UnknownFormat("The file is not of a format that is read here.")


def _unknown_text(head: bytes) -> UnknownFormat | None:
    try:
        text = head[:1024].decode("utf-8", errors="strict" if len(head) <= 1024 else "ignore")
    except UnicodeDecodeError:
        return None
    if not all(character.isprintable() or character in "\r\n\t\ufeff" for character in text):
        return None
    start = text.lstrip("\ufeff \t\r\n").lower()
    if start.startswith(("<!doctype html", "<html")):
        return UnknownFormat(
            "The file is a web page, not an image.",
            mend="Save the image itself; a download that needs a login often yields a page instead.",
        )
    if start.startswith("<svg") or (start.startswith("<?xml") and "<svg" in start):
        return UnknownFormat("The file is an SVG drawing, which is not read here.", mend=_CONVERT)
    return UnknownFormat(
        "The file holds text, not an image, whatever its name ends in.", mend="Send the image file itself."
    )

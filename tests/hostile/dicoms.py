"""Hostile DICOM files."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import pydicom

from mlcore.engine.imaging.quiet import quiet
from tests.hostile.verdicts import CLEANED, SECRET, TOO_LARGE, UNREADABLE, UNSUPPORTED, Hostile, squeezed
from tests.mlcore.engine.imaging.samples import dicom

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
UNDEFINED = 0xFFFFFFFF
PIXELS = 0x7FE00010
PIXEL_TAG = struct.pack("<HH", 0x7FE0, 0x0010)


def changed(name: str = "CT_small.dcm", **values: Any) -> bytes:
    """Return a sound file with attributes set, and removed where the value is None."""
    with quiet():
        dataset = pydicom.dcmread(BytesIO(dicom(name)))
        for keyword, value in values.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        target = BytesIO()
        dataset.save_as(target)
        return target.getvalue()


def meta(transfer_syntax: str, *, group_length: int | None = None) -> bytes:
    uid = transfer_syntax.encode() + b"\0" * (len(transfer_syntax) % 2)
    element = b"\x02\x00\x10\x00UI" + struct.pack("<H", len(uid)) + uid
    length = len(element) if group_length is None else group_length
    return bytes(128) + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00" + struct.pack("<I", length) + element


def implicit(tag: int, length: int) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, length)


def body_of(name: str) -> bytes:
    """Return a file's data set, without preamble and meta information."""
    data = dicom(name)
    return data[144 + struct.unpack("<I", data[140:144])[0] :]


def with_transfer_syntax(transfer_syntax: str, *, name: str = "CT_small.dcm") -> bytes:
    return meta(transfer_syntax) + body_of(name)


def with_pixel_length(length: int) -> bytes:
    """Return a native file whose pixel data claims another length."""
    data = dicom("MR_small.dcm")
    place = data.rindex(PIXEL_TAG) + 8
    return data[:place] + struct.pack("<I", length) + data[place + 4 :]


def inserted(element: bytes, *, name: str = "MR_small_implicit.dcm") -> bytes:
    """Return a file with an implicit element before its group 0028."""
    data = dicom(name)
    place = data.index(b"\x28\x00\x02\x00")
    return data[:place] + element + data[place:]


def countless(count: int) -> bytes:
    return b"".join(implicit((0x0009 + 2 * (i >> 16)) << 16 | i & 0xFFFF, 0) for i in range(count))


def nested(depth: int) -> bytes:
    return (implicit(0x00081140, UNDEFINED) + implicit(0xFFFEE000, UNDEFINED)) * depth


def deflated_bomb() -> bytes:
    return meta(DEFLATED) + squeezed(300_000_000, window=-zlib.MAX_WBITS)


FILES = [
    Hostile("dicom: mark alone", lambda: bytes(128) + b"DICM", UNREADABLE),
    Hostile("dicom: text after the mark", lambda: bytes(128) + b"DICM" + b"I am an image. " * 99, UNREADABLE),
    Hostile("dicom: deflated bomb of 300 MB", deflated_bomb, TOO_LARGE),
    Hostile("dicom: deflated, cut", lambda: dicom("image_dfl.dcm")[:2000], UNREADABLE),
    Hostile("dicom: deflated garbage", lambda: meta(DEFLATED) + bytes(range(256)) * 9, UNREADABLE),
    Hostile("dicom: no rows", lambda: changed(Rows=0), UNREADABLE),
    Hostile("dicom: no columns", lambda: changed(Columns=0), UNREADABLE),
    Hostile("dicom: 65535 by 65535 pixels", lambda: changed(Rows=65535, Columns=65535), TOO_LARGE),
    Hostile("dicom: two billion frames", lambda: changed(NumberOfFrames="2000000000"), TOO_LARGE),
    Hostile("dicom: minus one frame", lambda: changed(NumberOfFrames="-1"), UNREADABLE),
    Hostile("dicom: 65535 samples a pixel", lambda: changed(SamplesPerPixel=65535), UNREADABLE),
    Hostile(
        "dicom: 64 bits a sample", lambda: changed(BitsAllocated=64, BitsStored=64, HighBit=63), UNSUPPORTED
    ),
    Hostile("dicom: more bits stored than allocated", lambda: changed(BitsAllocated=8), UNREADABLE),
    Hostile("dicom: no bits", lambda: changed(BitsStored=0), UNREADABLE),
    Hostile(
        "dicom: color space nobody knows", lambda: changed(PhotometricInterpretation="EVIL"), UNSUPPORTED
    ),
    Hostile("dicom: pixel length of 2^32 - 2", lambda: with_pixel_length(2**32 - 2) + SECRET, CLEANED),
    Hostile(
        "dicom: pixels of undefined length, uncompressed", lambda: with_pixel_length(UNDEFINED), UNREADABLE
    ),
    Hostile("dicom: pixel length of zero", lambda: with_pixel_length(0), UNREADABLE),
    Hostile("dicom: pixel length of one", lambda: with_pixel_length(1), UNREADABLE),
    Hostile("dicom: fewer pixels than declared", lambda: changed(Rows=4000), UNREADABLE),
    Hostile(
        "dicom: element of 2^32 - 2 bytes", lambda: inserted(implicit(0x00104000, 2**32 - 2)), UNREADABLE
    ),
    Hostile("dicom: nested 5,000 deep", lambda: meta(IMPLICIT) + nested(5000), UNREADABLE),
    Hostile("dicom: nested 400 deep, then cut", lambda: meta(IMPLICIT) + nested(400), UNREADABLE),
    Hostile("dicom: a million elements", lambda: meta(IMPLICIT) + countless(1_000_000), TOO_LARGE),
    Hostile(
        "dicom: a million nested elements",
        lambda: meta(IMPLICIT) + nested(1) + countless(1_000_000),
        TOO_LARGE,
    ),
    Hostile(
        "dicom: sequence of 8 MB",
        lambda: inserted(implicit(0x00283010, 8_000_000) + bytes(8_000_000)),
        TOO_LARGE,
    ),
    Hostile(
        "dicom: group length of 2^32 - 1",
        lambda: meta(EXPLICIT, group_length=UNDEFINED) + body_of("CT_small.dcm") + SECRET,
        CLEANED,
    ),
    Hostile("dicom: no transfer syntax, compressed", lambda: body_of("JPEG-LL.dcm"), UNREADABLE),
    Hostile(
        "dicom: transfer syntax of another kind",
        lambda: with_transfer_syntax("1.2.840.10008.1.2.4.90"),
        UNREADABLE,
    ),
    Hostile("dicom: transfer syntax nobody knows", lambda: with_transfer_syntax("1.2.3.4"), UNSUPPORTED),
    Hostile("dicom: video", lambda: with_transfer_syntax("1.2.840.10008.1.2.4.100"), UNSUPPORTED),
    Hostile(
        "dicom: read in the other byte order", lambda: with_transfer_syntax("1.2.840.10008.1.2.2"), UNREADABLE
    ),
    Hostile(
        "dicom: implicit read as explicit",
        lambda: with_transfer_syntax(EXPLICIT, name="MR_small_implicit.dcm") + SECRET,
        CLEANED,
    ),
    Hostile("dicom: table of contents of a disc", lambda: dicom("dicomdirtests/DICOMDIR"), UNSUPPORTED),
    Hostile("dicom: structured report", lambda: dicom("test-SR.dcm"), UNSUPPORTED),
    Hostile("dicom: waveform", lambda: dicom("waveform_ecg.dcm"), UNSUPPORTED),
    Hostile("dicom: no pixels", lambda: changed(PixelData=None), UNREADABLE),
    Hostile(
        "dicom: program in the preamble",
        lambda: (b"MZ" + SECRET).ljust(128) + dicom("CT_small.dcm")[128:],
        CLEANED,
    ),
    Hostile(
        "dicom: picture in the preamble",
        lambda: (b"\x89PNG\r\n\x1a\n" + SECRET).ljust(128) + dicom("CT_small.dcm")[128:],
        CLEANED,
    ),
    Hostile("dicom: script in a comment", lambda: changed(ImageComments=SECRET.decode()), CLEANED),
    Hostile("dicom: script as the modality", lambda: changed(Modality=SECRET.decode()), CLEANED),
    Hostile(
        "dicom: script as the name",
        lambda: changed(PatientName=SECRET.decode(), PatientID=SECRET.decode()),
        CLEANED,
    ),
    Hostile("dicom: script after the pixels", lambda: dicom("CT_small.dcm") + SECRET, CLEANED),
    Hostile(
        "dicom: script in the padding of the pixels",
        lambda: changed(PixelData=bytes(32768) + SECRET),
        CLEANED,
    ),
    Hostile(
        "dicom: comment of 60 MB",
        lambda: inserted(implicit(0x00204000, 60_000_000) + SECRET.ljust(60_000_000)),
        CLEANED,
    ),
    Hostile(
        "dicom: private element of 20 MB",
        lambda: inserted(implicit(0x00271010, 20_000_000) + SECRET.ljust(20_000_000)),
        CLEANED,
    ),
    Hostile(
        "dicom: character set nobody knows",
        lambda: changed(SpecificCharacterSet="EVIL", ImageComments=SECRET.decode()),
        CLEANED,
    ),
    Hostile("dicom: value representations of garbage", lambda: dicom("badVR.dcm"), UNREADABLE),
    Hostile("dicom: rescale slope of zero", lambda: changed(RescaleSlope="0"), UNREADABLE),
    Hostile(
        "dicom: window that is no number",
        lambda: changed(WindowCenter="1", WindowWidth="1e308", ImageComments=SECRET.decode()),
        CLEANED,
    ),
]

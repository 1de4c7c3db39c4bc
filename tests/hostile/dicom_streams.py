"""DICOM files whose pixels, palettes and tables are hostile."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from tests.hostile.dicoms import changed, implicit
from tests.hostile.verdicts import TOO_LARGE, UNREADABLE, Hostile
from tests.mlcore.engine import imaging
from tests.mlcore.engine.imaging.samples import dicom

J2K = b"\xff\x4f\xff\x51"
EXTENDED_OFFSETS = {
    "ExtendedOffsetTable": struct.pack("<Q", 2**62),
    "ExtendedOffsetTableLengths": struct.pack("<Q", 2**62),
}


def compressed(name: str, frames: list[bytes], **values: Any) -> bytes:
    return changed(name, PixelData=encapsulate(frames), **values)


def frame_of(name: str) -> bytes:
    dataset = pydicom.dcmread(BytesIO(dicom(name)))
    return pydicom.encaps.get_frame(dataset.PixelData, 0, number_of_frames=1)


def overwritten(name: str, offset: int, value: bytes, *, magic: bytes) -> bytes:
    """Return a file with bytes of its codestream's header replaced."""
    frame = frame_of(name)
    place = frame.index(magic) + offset
    return compressed(name, [frame[:place] + value + frame[place + len(value) :]])


def rle_bomb() -> bytes:
    runs = b"\x81\x07" * 2_000_000
    frame = struct.pack("<16L", 2, 64, 64 + len(runs), *[0] * 13) + runs + runs
    return compressed("MR_small_RLE.dcm", [frame])


def segmented_palette() -> bytes:
    bomb = struct.pack("<3H", 0, 1, 0) + struct.pack("<3H", 1, 65535, 65535) * 10_000
    channels = ("Red", "Green", "Blue")
    return changed(
        "gdcm-US-ALOKA-16.dcm",
        **{f"Segmented{channel}PaletteColorLookupTableData": bomb for channel in channels},
    )


def lying_table() -> bytes:
    item = Dataset()
    item.LUTDescriptor = [65535, 0, 16]
    item.LUTData = bytes(10)
    item["LUTData"].VR = "OW"
    return changed("RG3_UNCR.dcm", VOILUTSequence=Sequence([item]))


def countless_fragments() -> bytes:
    pieces = implicit(0xFFFEE000, 0) * 1_000_000
    return changed("MR_small_RLE.dcm", PixelData=implicit(0xFFFEE000, 0) + pieces)


def lying_offsets() -> bytes:
    frames = [frame_of("MR_small_jpeg_ls_lossless.dcm")] * 2
    data = bytearray(encapsulate(frames))
    data[12:16] = struct.pack("<I", 2**31)
    return changed("MR_small_jpeg_ls_lossless.dcm", PixelData=bytes(data), NumberOfFrames=2)


def aborting() -> bytes:
    return (Path(imaging.__file__).parent / "data" / "jpeg_lossless_that_aborts.dcm").read_bytes()


FILES = [
    Hostile("dicom: a million fragments", countless_fragments, TOO_LARGE),
    Hostile("dicom: lookup table shorter than it says", lying_table, UNREADABLE),
    Hostile("dicom: palette that unpacks to gigabytes", segmented_palette, UNREADABLE),
    Hostile("dicom: RLE bomb", rle_bomb, UNREADABLE),
    Hostile(
        "dicom: RLE offsets beyond the end",
        lambda: compressed("MR_small_RLE.dcm", [struct.pack("<16L", 2, 2**31, 2**31, *[0] * 13)]),
        UNREADABLE,
    ),
    Hostile(
        "dicom: RLE with 4 billion segments",
        lambda: compressed("MR_small_RLE.dcm", [b"\xff" * 64 + bytes(99)]),
        UNREADABLE,
    ),
    Hostile(
        "dicom: JPEG larger than declared",
        lambda: overwritten("JPEG-LL.dcm", 5, b"\xff\xff\xff\xff", magic=b"\xff\xc3"),
        UNREADABLE,
    ),
    Hostile(
        "dicom: JPEG deeper than declared",
        lambda: overwritten("JPGLosslessP14SV1_1s_1f_8b.dcm", 4, b"\x10", magic=b"\xff\xc3"),
        UNREADABLE,
    ),
    Hostile("dicom: JPEG that makes its decoder abort", aborting, UNREADABLE),
    Hostile(
        "dicom: JPEG-LS larger than declared",
        lambda: overwritten("MR_small_jpeg_ls_lossless.dcm", 5, b"\xff\xff\xff\xff", magic=b"\xff\xf7"),
        UNREADABLE,
    ),
    Hostile(
        "dicom: JPEG 2000 of 2^32 - 1 pixels a side",
        lambda: overwritten("MR_small_jp2klossless.dcm", 8, b"\xff" * 8, magic=J2K),
        UNREADABLE,
    ),
    Hostile(
        "dicom: JPEG 2000 in tiles of one pixel",
        lambda: overwritten("693_J2KI.dcm", 24, b"\0\0\0\x01" * 2, magic=J2K),
        UNREADABLE,
    ),
    Hostile(
        "dicom: JPEG 2000 of 16,384 components",
        lambda: overwritten("MR_small_jp2klossless.dcm", 40, b"\x40\x00", magic=J2K),
        UNREADABLE,
    ),
    Hostile(
        "dicom: JPEG 2000 of zeros",
        lambda: compressed("MR_small_jp2klossless.dcm", [bytes(5000)]),
        UNREADABLE,
    ),
    Hostile("dicom: empty frames", lambda: compressed("MR_small_jp2klossless.dcm", [b"\0\0"]), UNREADABLE),
    Hostile("dicom: offset table that points nowhere", lying_offsets, UNREADABLE),
    Hostile(
        "dicom: extended offsets of 2^62",
        lambda: changed("MR_small_jpeg_ls_lossless.dcm", **EXTENDED_OFFSETS),
        UNREADABLE,
    ),
    Hostile(
        "dicom: fewer frames than declared",
        lambda: changed("emri_small_jpeg_ls_lossless.dcm", NumberOfFrames=99),
        UNREADABLE,
    ),
    Hostile("dicom: cut in the middle of its pixels", lambda: dicom("RG1_J2KI.dcm")[:300_000], UNREADABLE),
    Hostile("dicom: cut in the middle of its header", lambda: dicom("RG1_J2KI.dcm")[:700], UNREADABLE),
]

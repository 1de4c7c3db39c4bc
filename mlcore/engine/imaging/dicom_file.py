"""Parse DICOM files within bounds of time and memory."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from io import BytesIO

from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import dcmread
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from mlcore.engine.errors import ImageTooLarge, UnreadableImage
from mlcore.engine.imaging.quiet import refusing_damage
from mlcore.engine.types import ImageLimits

MAX_READS = 200_000
"""Reads a parse may take; every data element takes at least one."""
MAX_SEQUENCE_BYTES = 4 * 1024 * 1024

_PREAMBLE_BYTES = 132
_LONG_LENGTH = frozenset({b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT", b"OD", b"OL", b"UC", b"UR", b"OV"})
_DEFLATED = DeflatedExplicitVRLittleEndian.encode()


class _BoundedReader(BytesIO):
    """Bytes that may be read only so often, so that a file of countless tiny elements is given up."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads_left = MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise ImageTooLarge(
                "The DICOM file holds far more data elements than an image needs.",
                mend="Export the image again without private or derived data.",
            )
        return super().read(size)


def read_dicom(data: bytes, *, limits: ImageLimits) -> FileDataset:
    """Parse a DICOM file, with or without preamble, pixel data left as it is stored.

    A deflated data set is inflated to at most `limits.max_bytes`. The file
    meta information of the result always names a transfer syntax. Raises
    `UnreadableImage` or `ImageTooLarge`.
    """
    with refusing_damage("DICOM file"):
        start = _data_set_start(data)
        if _DEFLATED in data[:start]:
            dataset = _read_deflated(data, start=start, limits=limits)
        else:
            dataset = dcmread(_BoundedReader(data), force=True)
        _name_transfer_syntax(dataset)
        return dataset


def _data_set_start(data: bytes) -> int:
    """Return where the file meta information (explicit little endian, PS3.10 7.1) ends."""
    position = _PREAMBLE_BYTES if data[128:132] == b"DICM" else 0
    while data[position : position + 2] == b"\x02\x00" and position + 8 <= len(data):
        if data[position + 4 : position + 6] in _LONG_LENGTH:
            position += 12 + int.from_bytes(data[position + 8 : position + 12], "little")
        else:
            position += 8 + int.from_bytes(data[position + 6 : position + 8], "little")
    return min(position, len(data))


def _read_deflated(data: bytes, *, start: int, limits: ImageLimits) -> FileDataset:
    meta = dcmread(_BoundedReader(data[:start]), force=True)
    if meta.file_meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return dcmread(_BoundedReader(data), force=True)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(data[start:], limits.max_bytes)
    if inflater.unconsumed_tail:
        raise ImageTooLarge(
            "The DICOM file unpacks to more than is accepted.", mend="Send it without compression, in parts."
        )
    if not inflater.eof:
        raise UnreadableImage("The DICOM file is truncated: its compressed data ends early.")
    dataset = dcmread(_BoundedReader(inflated), force=True)
    dataset.file_meta = meta.file_meta
    return dataset


def _name_transfer_syntax(dataset: FileDataset) -> None:
    if dataset.file_meta.get("TransferSyntaxUID"):
        return
    implicit, little = dataset.original_encoding
    if not little:
        guess: UID = ExplicitVRBigEndian
    else:
        guess = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    dataset.file_meta.TransferSyntaxUID = guess


def sequence_items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    """Return the items of a sequence, or nothing where it is absent.

    pydicom parses a sequence of defined length on first access and without a
    bound, so one far larger than an image needs is refused before.
    """
    if keyword not in dataset:
        return ()
    value = dataset.get_item(keyword).value
    if isinstance(value, bytes) and len(value) > MAX_SEQUENCE_BYTES:
        raise ImageTooLarge(
            "The DICOM file holds a sequence far larger than an image needs.",
            mend="Export the image again without private or derived data.",
        )
    items = dataset[keyword].value
    return items if isinstance(items, Sequence) else ()

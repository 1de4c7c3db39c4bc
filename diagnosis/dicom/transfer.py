"""Bring a stored DICOM file into the transfer syntax that somebody asks for."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from mlcore.engine.imaging.dicom_codecs import decoding_plugin
from mlcore.engine.imaging.dicom_file import read_dicom
from mlcore.engine.imaging.dicom_header import NATIVE, dicom_header, native_pixel_bytes
from mlcore.engine.imaging.quiet import refusing_damage
from mlcore.engine.types import ImageLimits

WRITTEN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless)
"""Transfer syntaxes that any file can be brought into, the preferred one first."""


LARGEST_NATIVE_BYTES = 256 * 1024 * 1024
"""What unpacks to more than this is handed out as it is stored, or not at all."""


class CannotTranscode(Exception):
    """The file is stored in another transfer syntax, and is not brought into this one."""


def transfer_syntax_of(content: bytes) -> UID:
    """Return the transfer syntax of a stored DICOM file."""
    return UID(dcmread(BytesIO(content), specific_tags=[]).file_meta.TransferSyntaxUID)


def in_transfer_syntax(content: bytes, *, target: UID, limits: ImageLimits) -> bytes:
    """Return the file in the transfer syntax `target`, its pixel values unchanged.

    A file that is in it already is returned as it is stored. Color that is
    stored as YBR becomes RGB when it is decompressed.

    Raises:
        CannotTranscode: `target` is not one of `WRITTEN`, or the pixels take too much memory.
        ImageError: the pixels cannot be decoded.
    """
    dataset = read_dicom(content, limits=limits)
    if dataset.file_meta.TransferSyntaxUID == target:
        return content
    if target not in WRITTEN:
        raise CannotTranscode
    with refusing_damage("DICOM file"):
        make_native(dataset)
        if target == RLELossless:
            _compress(dataset)
        dataset.file_meta.TransferSyntaxUID = target
        file = BytesIO()
        dcmwrite(
            file,
            dataset,
            implicit_vr=target == ImplicitVRLittleEndian,
            little_endian=True,
            enforce_file_format=True,
        )
        return file.getvalue()


def make_native(dataset: FileDataset) -> None:
    """Decompress the pixels, and put every word into little endian order, in place.

    Raises:
        CannotTranscode: the pixels take too much memory.
    """
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    if syntax not in NATIVE:
        if native_pixel_bytes(dicom_header(dataset)) > LARGEST_NATIVE_BYTES:
            raise CannotTranscode
        dataset.decompress(decoding_plugin=decoding_plugin(syntax), generate_instance_uid=False)
    elif syntax == ExplicitVRBigEndian:
        _swap_words(dataset)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def native_frame(dataset: FileDataset, *, index: int) -> bytes:
    """Return the bytes of one frame of a data set that `make_native` was applied to."""
    header = dicom_header(dataset)
    bits = native_pixel_bytes(header) * 8 // header.frame_count
    if header.bits_allocated == 1:  # frames follow each other without padding (PS3.5 8.1.1)
        bits = header.rows * header.columns
        return _bits(dataset.PixelData, start=index * bits, length=bits)
    size = bits // 8
    frame: bytes = dataset.PixelData[index * size : (index + 1) * size]
    return frame


def _bits(data: bytes, *, start: int, length: int) -> bytes:
    first = start // 8
    raw = np.frombuffer(data, np.uint8, offset=first, count=min(length // 8 + 2, len(data) - first))
    bits = np.unpackbits(raw, bitorder="little")[start % 8 : start % 8 + length]
    return np.packbits(bits, bitorder="little").tobytes()


def _compress(dataset: FileDataset) -> None:
    if dataset.BitsAllocated == 1:
        raise CannotTranscode
    if dataset.get("PhotometricInterpretation") == "YBR_FULL_422":
        raise CannotTranscode
    dataset.compress(RLELossless, generate_instance_uid=False)


def _swap_words(dataset: Dataset) -> None:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                _swap_words(item)
        elif element.VR == "OW" and isinstance(element.value, bytes):
            whole = element.value[: len(element.value) // 2 * 2]
            element.value = np.frombuffer(whole, ">u2").astype("<u2").tobytes()

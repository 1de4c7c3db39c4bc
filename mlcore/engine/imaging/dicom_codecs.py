"""Decode the stored pixels of one DICOM frame with permissively licensed decoders."""

from __future__ import annotations

import os
from importlib import import_module
from itertools import islice
from typing import Any

from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    RLELossless,
)

from mlcore.engine.errors import UnreadableImage
from mlcore.engine.imaging.codestream import read_jpeg, read_jpeg2000
from mlcore.engine.imaging.dicom_header import JPEG_2000, JPEG_LS, NATIVE, native_pixel_bytes
from mlcore.engine.imaging.gdcm_plugin import PLUGIN, register
from mlcore.engine.imaging.jpeg import decode_jpeg
from mlcore.engine.types import ImageHeader

_MAX_FRAGMENTS = 65_536
_MAX_TILES = 16_384
_MAX_JPEG_SCANS = 128

_PLUGINS: dict[str, str] = {
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: PLUGIN,
    JPEGLossless: PLUGIN,
    JPEGLosslessSV1: PLUGIN,
    RLELossless: "pylibjpeg",
    **dict.fromkeys(JPEG_LS, "pyjpegls"),
    **dict.fromkeys(JPEG_2000, "pylibjpeg"),
}
_THREADED_JPEG_2000 = frozenset({JPEG2000, JPEG2000Lossless})
"""What Pillow's OpenJPEG decodes on several cores, in half the time, as long as the pixels are gray."""

# OpenJPEG reads this each time it opens a codestream; there is no other way through Pillow.
os.environ.setdefault("OPJ_NUM_THREADS", str(min(4, os.cpu_count() or 1)))
register()
# Pillow would import all of its forty formats to find this one.
import_module("PIL.Jpeg2KImagePlugin")


def check_pixel_data(dataset: FileDataset, *, header: ImageHeader) -> None:
    """Hold the pixel data of all frames against the header, without decoding any.

    Raises `UnreadableImage` where frames are missing or cut short, or where a
    codestream declares another size than the header, so that no decoder makes
    room for more than the header was accepted with.
    """
    native = UID(header.transfer_syntax_uid) in NATIVE
    if native == bool(dataset["PixelData"].is_undefined_length):
        raise UnreadableImage("The pixel data of the DICOM file is not packed as its transfer syntax says.")
    if native:
        if len(dataset.PixelData) < native_pixel_bytes(header):
            raise UnreadableImage("The DICOM file is truncated: it holds fewer pixels than it declares.")
        return
    _check_fragments(dataset.PixelData)
    frames = generate_frames(
        dataset.PixelData, number_of_frames=header.frame_count, extended_offsets=_extended_offsets(dataset)
    )
    found = 0
    for frame in islice(frames, header.frame_count):
        _check_codestream(frame, header=header)
        found += 1
    if found < header.frame_count:
        raise UnreadableImage("The DICOM file is truncated: it holds fewer frames than it declares.")


def decode_frame(dataset: FileDataset, *, header: ImageHeader, index: int) -> NDArray[Any]:
    """Return the samples of one frame: (rows, columns) or (rows, columns, 3), as stored but YBR made RGB."""
    transfer_syntax = UID(header.transfer_syntax_uid)
    if transfer_syntax not in NATIVE:
        # An offset table may point elsewhere than the order of the frames does.
        frame = encoded_frame(dataset, header=header, index=index)
        _check_codestream(frame, header=header)
        if transfer_syntax == JPEGBaseline8Bit:
            # Pillow lets damaged pixels pass; this raises.
            decode_jpeg(frame, components=header.samples_per_pixel)
    samples, _ = get_decoder(transfer_syntax).as_array(
        dataset,
        index=index,
        decoding_plugin=decoding_plugin(transfer_syntax, gray=header.samples_per_pixel == 1),
    )
    return samples


def decoding_plugin(transfer_syntax: UID, *, gray: bool = False) -> str:
    """Return the name of the decoder for a transfer syntax; '' where nothing is compressed."""
    if gray and transfer_syntax in _THREADED_JPEG_2000:
        return "pillow"
    return _PLUGINS.get(transfer_syntax, "")


def encoded_frame(dataset: FileDataset, *, header: ImageHeader, index: int) -> bytes:
    """Return the codestream of one frame of compressed pixel data, as it is stored."""
    frame: bytes = get_frame(
        dataset.PixelData,
        index,
        number_of_frames=header.frame_count,
        extended_offsets=_extended_offsets(dataset),
    )
    return frame


def _extended_offsets(dataset: FileDataset) -> tuple[bytes, bytes] | None:
    offsets, lengths = dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths")
    return (offsets, lengths) if offsets and lengths else None


def _check_fragments(data: bytes) -> None:
    position = 0
    for _ in range(_MAX_FRAGMENTS):
        if position + 8 > len(data):
            return
        position += 8 + int.from_bytes(data[position + 4 : position + 8], "little")
    raise UnreadableImage("The pixel data of the DICOM file is cut into far too many pieces.")


def _check_codestream(frame: bytes, *, header: ImageHeader) -> None:
    transfer_syntax = UID(header.transfer_syntax_uid)
    if transfer_syntax == RLELossless:
        return
    stream = read_jpeg2000(frame) if transfer_syntax in JPEG_2000 else read_jpeg(frame)
    declared = (stream.rows, stream.columns, stream.components)
    if declared != (header.rows, header.columns, header.samples_per_pixel):
        raise UnreadableImage("The compressed pixels of the DICOM file are of another size than it declares.")
    if stream.precision > header.bits_allocated:
        raise UnreadableImage("The compressed pixels of the DICOM file have more bits than it declares.")
    if stream.tiles > _MAX_TILES or stream.scans > _MAX_JPEG_SCANS:
        raise UnreadableImage("The compressed pixels of the DICOM file are cut into far too many parts.")
    if not stream.ended:
        raise UnreadableImage("The DICOM file is truncated: its compressed pixels end early.")

"""Bring the color frames of DICOM files to 8-bit RGB."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.pixels.processing import apply_color_lut

from mlcore.engine.errors import UnreadableImage, UnsupportedImage
from mlcore.engine.types import ImageHeader

_MAX_PALETTE = 65_536
_SEGMENTED = "SegmentedRedPaletteColorLookupTableData"
_CHANNELS = ("Red", "Green", "Blue")


def rgb_of(samples: NDArray[Any], *, header: ImageHeader) -> NDArray[np.uint8]:
    """Return (rows, columns, 3) samples of up to 16 bits as 8 bits, the lowest bits dropped."""
    if header.bits_stored <= 8:
        return samples.astype(np.uint8)
    return (samples >> (header.bits_stored - 8)).astype(np.uint8)


def palette_rgb(stored: NDArray[Any], *, dataset: FileDataset) -> NDArray[np.uint8]:
    """Return the colors that the palette gives to stored values, 8 bits a channel (PS3.3 C.7.6.3.1.5)."""
    if _SEGMENTED in dataset:
        for channel in _CHANNELS:
            _check_segments(dataset, keyword=f"Segmented{channel}PaletteColorLookupTableData")
    lowest, highest = int(stored.min()), int(stored.max())
    colors = apply_color_lut(np.arange(lowest, highest + 1), dataset)
    if colors.dtype == np.uint16:
        colors = _wide_to_8_bits(colors)
    found: NDArray[np.uint8] = colors[..., :3].astype(np.uint8)[stored.astype(np.int32) - lowest]
    return found


def _wide_to_8_bits(colors: NDArray[Any]) -> NDArray[Any]:
    """Scale 16-bit entries; some writers leave the high byte empty."""
    return colors if int(colors.max()) <= 255 else colors // 256


def _check_segments(dataset: FileDataset, *, keyword: str) -> None:
    """Refuse a segmented palette that expands beyond any palette (PS3.3 C.7.9.2)."""
    bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
    little = dataset.original_encoding[1] is not False
    data = np.frombuffer(dataset[keyword].value, dtype=np.uint8 if bits == 8 else "<u2" if little else ">u2")
    position, entries = 0, 0
    while position + 1 < data.size:
        opcode, length = int(data[position]), int(data[position + 1])
        if opcode == 2:
            raise UnsupportedImage(
                "The DICOM file compresses its palette with indirect segments, which are not read here.",
                mend="Export the image as RGB.",
            )
        position += 2 + (length if opcode == 0 else 1)
        entries += length
        if entries > _MAX_PALETTE:
            raise UnreadableImage("The DICOM file holds a damaged palette.")

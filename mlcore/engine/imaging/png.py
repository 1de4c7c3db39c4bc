"""Reduce a PNG file to the chunks that make its pixels."""

from __future__ import annotations

import struct
import zlib

from mlcore.engine.errors import UnreadableImage, UnsupportedImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 65_536
_BLOCK_BYTES = 1024 * 1024
_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_MAX_EXIF_BYTES = 64 * 1024
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PALETTE = 3
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""First row, first column, row step and column step of the seven passes (PNG 8.2)."""
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def png_size(data: bytes) -> tuple[int, int, int, int]:
    """Return rows, columns, bit depth and color type of a PNG file (PNG 11.2.2).

    Raises `UnreadableImage` where the header is damaged or impossible.
    """
    if data[12:16] != b"IHDR" or len(data) < 33 or data[8:12] != b"\x00\x00\x00\x0d":
        raise UnreadableImage("The PNG file is truncated or does not begin with its header.")
    if zlib.crc32(data[12:29]) != int.from_bytes(data[29:33], "big"):
        raise UnreadableImage("The header of the PNG file is damaged.")
    columns, rows, depth, color, compression, filtering, interlace = struct.unpack(">IIBBBBB", data[16:29])
    if depth not in _DEPTHS.get(color, ()) or compression or filtering or interlace > 1:
        raise UnreadableImage("The header of the PNG file declares a combination that PNG does not have.")
    return rows, columns, depth, color


def png_channels(color_type: int) -> int:
    return _CHANNELS[color_type]


def essential_png(data: bytes) -> bytes:
    """Return the file with only the chunks that make the pixels, and a small eXIf for orientation.

    Text, profiles, animation, private chunks and whatever follows IEND are left
    out before any decoder sees them. Raises `UnreadableImage` where a chunk is
    damaged, the file ends early or the pixels do not reach the last row.
    """
    chunks = _kept_chunks(data)
    kinds = [chunk[4:8] for chunk in chunks]
    if kinds.count(b"IHDR") != 1:
        raise UnreadableImage("The PNG file is damaged: it has more than one header.")
    if data[25] == _PALETTE and b"PLTE" not in kinds:
        raise UnreadableImage("The PNG file is damaged: its palette is missing.")
    _check_pixels([chunk[8:-4] for chunk in chunks if chunk[4:8] == b"IDAT"], expected=_pixel_bytes(data))
    return b"".join((SIGNATURE, *chunks))


def _kept_chunks(data: bytes) -> list[bytes]:
    kept: list[bytes] = []
    position = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        end = position + 12 + length
        if len(kind) < 4 or end > len(data):
            raise UnreadableImage("The PNG file is truncated: it ends before its end mark.")
        if kind in _KEPT or (kind == b"eXIf" and length <= _MAX_EXIF_BYTES):
            kept.append(_sound_chunk(data, position=position, end=end))
        elif not kind[0] & 0x20:
            raise UnsupportedImage(
                "The PNG file holds a critical part that is not in the PNG standard.",
                mend="Export the image again as a plain PNG.",
            )
        if kind == b"IEND":
            return kept
        position = end
    raise UnreadableImage("The PNG file is cut into far too many parts.")


def _sound_chunk(data: bytes, *, position: int, end: int) -> bytes:
    chunk = data[position:end]
    if zlib.crc32(memoryview(chunk)[4:-4]) != int.from_bytes(chunk[-4:], "big"):
        raise UnreadableImage("The PNG file is damaged: a checksum does not match.")
    return chunk


def _pixel_bytes(data: bytes) -> int:
    """Return the size of the pixels once inflated: rows of whole bytes, each after its filter byte."""
    rows, columns, depth, color = png_size(data)
    bits = depth * png_channels(color)
    if not data[28]:
        return rows * (1 + (columns * bits + 7) // 8)
    total = 0
    for first_row, first_column, row_step, column_step in _ADAM7:
        across = -(-(columns - first_column) // column_step)
        down = -(-(rows - first_row) // row_step)
        if across > 0 and down > 0:
            total += down * (1 + (across * bits + 7) // 8)
    return total


def _check_pixels(parts: list[bytes], *, expected: int) -> None:
    """Inflate the pixels to their expected size and throw them away; decoders let missing rows pass."""
    inflater = zlib.decompressobj()
    found = 0
    for part in parts:
        rest = part
        while rest and found < expected:
            found += len(inflater.decompress(rest, _BLOCK_BYTES))
            rest = inflater.unconsumed_tail
    if found < expected:
        raise UnreadableImage("The PNG file is truncated: its pixels end before the last row.")

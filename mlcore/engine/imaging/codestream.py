"""Read the headers of JPEG, JPEG-LS and JPEG 2000 codestreams without decoding them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlcore.engine.errors import UnreadableImage

_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")  # below 0xC0 JPEG-LS stuffs bits
_STANDALONE = frozenset({0xD8})
_FRAME_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9
_TAIL = 16
"""Bytes at the end of a frame that padding may take (one, by PS3.5 A.4; some writers pad more)."""


@dataclass(frozen=True)
class Codestream:
    """What the header of a codestream declares."""

    rows: int
    columns: int
    components: int
    precision: int
    marker: int = 0
    """The low byte of the JPEG frame marker: 0xC0 baseline, 0xC3 lossless, 0xF7 JPEG-LS."""
    scans: int = 1
    tiles: int = 1
    ended: bool = True
    """Whether an end-of-image marker was seen."""


def read_jpeg(data: bytes) -> Codestream:
    """Return what a JPEG or JPEG-LS stream declares; raises `UnreadableImage` without a frame header."""
    frame: Codestream | None = None
    scans, position, ended = 0, 2, False
    while (found := _next_marker(data, position)) is not None:
        marker, position = found
        if marker in _STANDALONE:
            continue
        if marker == _END_OF_IMAGE:
            ended = True
            break
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            break
        if marker in _FRAME_MARKERS and frame is None:
            frame = _jpeg_frame(data[position : position + length], marker=marker)
        scans += marker == _START_OF_SCAN
        position += length
    if frame is None:
        raise UnreadableImage("The JPEG data holds no frame header.")
    return Codestream(
        rows=frame.rows,
        columns=frame.columns,
        components=frame.components,
        precision=frame.precision,
        marker=frame.marker,
        scans=scans,
        ended=ended,
    )


def read_jpeg2000(data: bytes) -> Codestream:
    """Return what a JPEG 2000 codestream declares in its SIZ segment (ISO/IEC 15444-1 A.5.1)."""
    start = data.find(b"\xff\x4f\xff\x51")
    segment = data[start + 4 : start + 4 + 40]
    if start < 0 or len(segment) < 40:
        raise UnreadableImage("The JPEG 2000 data holds no size header.")
    words = [int.from_bytes(segment[4 + 4 * index : 8 + 4 * index], "big") for index in range(8)]
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top = words
    if right <= left or bottom <= top or not tile_width or not tile_height:
        raise UnreadableImage("The JPEG 2000 data declares an impossible size.")
    across = -(-(right - tile_left) // tile_width)
    down = -(-(bottom - tile_top) // tile_height)
    return Codestream(
        rows=bottom - top,
        columns=right - left,
        components=int.from_bytes(segment[36:38], "big"),
        precision=(segment[38] & 0x7F) + 1,
        tiles=across * down,
        ended=b"\xff\xd9" in data[-_TAIL:],
    )


def _next_marker(data: bytes, position: int) -> tuple[int, int] | None:
    match = _MARKER.search(data, position)
    return None if match is None else (data[match.start() + 1], match.end())


def _jpeg_frame(segment: bytes, *, marker: int) -> Codestream:
    if len(segment) < 8:
        raise UnreadableImage("The JPEG data holds a damaged frame header.")
    return Codestream(
        rows=int.from_bytes(segment[3:5], "big"),
        columns=int.from_bytes(segment[5:7], "big"),
        components=segment[7],
        precision=segment[2],
        marker=marker,
    )

"""Read the headers of JPEG, JPEG-LS and JPEG 2000 codestreams without decoding them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlcore.engine.errors import UnreadableImage

_MARKER_HERE = re.compile(rb"\xff++[\xc0-\xcf\xd8-\xfe]")
"""A marker and the fill bytes before it; below 0xC0 JPEG-LS stuffs bits."""
_MARKER_AHEAD = re.compile(rb"(?<!\xff)\xff++[\xc0-\xcf\xd8-\xfe]")
"""The same further on, each run of fill bytes looked at once."""
_FRAME_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
_START_OF_IMAGE = 0xD8
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9
_MAX_SEGMENTS = 65_536
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


@dataclass(frozen=True)
class Segment:
    """One marker segment of a JPEG stream."""

    marker: int
    start: int
    """Where its length field begins, right after the marker."""
    end: int


def jpeg_segments(data: bytes) -> list[Segment]:
    """Return the segments of a JPEG or JPEG-LS stream up to its end of image, or to where it breaks off.

    An end-of-image marker is a segment of no length. Raises `UnreadableImage`
    for more segments than an image needs.
    """
    segments: list[Segment] = []
    position = 2
    while match := _MARKER_HERE.match(data, position) or _MARKER_AHEAD.search(data, position):
        marker, position = data[match.end() - 1], match.end()
        if marker == _START_OF_IMAGE:
            continue
        if marker == _END_OF_IMAGE:
            segments.append(Segment(marker=marker, start=position, end=position))
            break
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            break
        segments.append(Segment(marker=marker, start=position, end=position + length))
        position += length
        if len(segments) > _MAX_SEGMENTS:
            raise UnreadableImage("The JPEG data is cut into far too many parts.")
    return segments


def read_jpeg(data: bytes) -> Codestream:
    """Return what a JPEG or JPEG-LS stream declares; raises `UnreadableImage` without a frame header."""
    segments = jpeg_segments(data)
    frames = [segment for segment in segments if segment.marker in _FRAME_MARKERS]
    if not frames:
        raise UnreadableImage("The JPEG data holds no frame header.")
    header = data[frames[0].start : frames[0].end]
    if len(header) < 8:
        raise UnreadableImage("The JPEG data holds a damaged frame header.")
    return Codestream(
        rows=int.from_bytes(header[3:5], "big"),
        columns=int.from_bytes(header[5:7], "big"),
        components=header[7],
        precision=header[2],
        marker=frames[0].marker,
        scans=sum(segment.marker == _START_OF_SCAN for segment in segments),
        ended=segments[-1].marker == _END_OF_IMAGE,
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

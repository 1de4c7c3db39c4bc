"""Decode JPEG files strictly."""

from __future__ import annotations

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from mlcore.engine.imaging.codestream import jpeg_segments

_APP0, _APP1, _APP14 = 0xE0, 0xE1, 0xEE
_APPLICATION = range(0xE0, 0xF0)
_COMMENT = 0xFE
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_COLOR_SPACES = {1: "GRAY", 3: "RGB", 4: "CMYK"}


def essential_jpeg(data: bytes) -> bytes:
    """Return the file without comments, profiles, thumbnails, fill bytes and what follows its end.

    Kept are the segments that make the pixels, the JFIF and Adobe marks that
    name the color space, and one EXIF block for the orientation.
    """
    segments = jpeg_segments(data)
    kept = [b"\xff\xd8"]
    has_exif = False
    for segment, following in zip(segments, [*segments[1:], None], strict=True):
        body = data[segment.start : segment.end]
        if segment.marker == _COMMENT or (
            segment.marker in _APPLICATION and not _is_kept(segment.marker, body)
        ):
            continue
        if segment.marker == _APP1:
            if has_exif:
                continue
            has_exif = True
        if segment.marker == _START_OF_SCAN:
            # The coded pixels reach to the marker of the next segment, two bytes before its body.
            body = data[segment.start : len(data) if following is None else following.start - 2]
        kept.append(bytes((0xFF, segment.marker)) + body)
    return b"".join(kept)


def decode_jpeg(data: bytes, *, components: int) -> NDArray[np.uint8]:
    """Decode to (rows, columns), or (rows, columns, 3) RGB, or (rows, columns, 4) CMYK as stored.

    libjpeg goes on after damage and fills the rest with gray; here it is made
    to raise instead.
    """
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
        data, colorspace=_COLOR_SPACES[components], strict=True
    )
    return pixels[..., 0] if components == 1 else pixels


def _is_kept(marker: int, body: bytes) -> bool:
    content = body[2:]
    if marker == _APP0:
        return content.startswith(b"JFIF\0")
    if marker == _APP1:
        return content.startswith(b"Exif\0")
    return marker == _APP14 and content.startswith(b"Adobe")

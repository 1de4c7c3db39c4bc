"""Write images: anew, so that nothing but their pixels is kept, and as pictures for the pages."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from mlcore.engine.errors import UnsupportedImage
from mlcore.engine.imaging.decode import DEFAULT_LIMITS, OpenImage, open_image
from mlcore.engine.types import DecodedImage, FloatArray, ImageFormat, ImageLimits

OVERLAY_MAX_SIDE = 1024
OVERLAY_COLORMAP = "inferno"
_FULLY_TRANSPARENT_BELOW = 0.1
_JPEG_QUALITY = 90


@dataclass(frozen=True)
class SanitizedImage:
    """An image written anew; `content` depends on the pixels alone."""

    content: bytes
    extension: str
    """Without a dot: 'png' or 'tiff'."""
    format: ImageFormat


def sanitize_image(data: bytes, *, limits: ImageLimits = DEFAULT_LIMITS) -> SanitizedImage:
    """Decode a PNG, JPEG or TIFF file fully and write its pixels anew without loss.

    EXIF, text, profiles, comments, resolution, thumbnails, private tags and
    whatever follows the image do not get into the result. An EXIF orientation
    is applied. Gray stays at 8 or 16 bits, color becomes 8-bit RGB, and a color
    image whose channels are all the same becomes gray. A TIFF file of several
    pages or of signed values stays TIFF; all else becomes PNG. The same pixels
    give the same bytes. Raises an `ImageError`; DICOM files are refused,
    because they are cleaned by de-identification instead.
    """
    image = open_image(data, limits=limits)
    if image.header.format is ImageFormat.DICOM:
        raise UnsupportedImage("A DICOM file is de-identified, not written anew as a picture.")
    if image.header.frame_count > 1:
        return _tiff(image)
    pixels = image.samples(0)
    if pixels.dtype == np.int16:
        return _tiff(image)
    return SanitizedImage(content=encode_png(pixels), extension="png", format=ImageFormat.PNG)


def encode_png(pixels: NDArray[Any]) -> bytes:
    """Write (rows, columns) uint8 or uint16 or (rows, columns, 3 or 4) uint8 as PNG, for speed."""
    target = BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.save(target, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    return target.getvalue()


def render_png(image: DecodedImage, *, max_side: int | None = None) -> bytes:
    """Return an 8-bit PNG of the image, shrunk so that its longer side is at most `max_side` pixels."""
    return encode_png(np.asarray(_picture(image, max_side=max_side)))


def render_jpeg(image: DecodedImage, *, max_side: int | None = None, quality: int = _JPEG_QUALITY) -> bytes:
    """Return a JPEG preview of the image, several times smaller than the PNG and not for reading."""
    target = BytesIO()
    _picture(image, max_side=max_side).save(target, "JPEG", quality=quality)
    return target.getvalue()


def render_overlay(saliency_map: FloatArray, *, rows: int, columns: int) -> bytes:
    """Return an RGBA PNG of a saliency map, to be laid over an image of `rows` by `columns`.

    `saliency_map` is (height, width) in [0, 1] and covers the whole image. The
    picture has the aspect ratio of the image and at most 1024 pixels on its
    longer side. Low values are transparent, so that the image stays visible.
    """
    height, width = _fitting(rows, columns, max_side=OVERLAY_MAX_SIDE)
    finite = np.nan_to_num(np.asarray(saliency_map, dtype=np.float32), nan=0.0, posinf=1.0, neginf=0.0)
    stretched = Image.fromarray(finite).resize((width, height), Image.Resampling.BICUBIC)
    levels = np.rint(np.clip(np.asarray(stretched), 0.0, 1.0) * 255).astype(np.uint8)
    return encode_png(_overlay_colors()[levels])


def _tiff(image: OpenImage) -> SanitizedImage:
    target = BytesIO()
    with tifffile.TiffWriter(target) as writer:
        for index in range(image.header.frame_count):
            page = image.samples(index)
            writer.write(
                page,
                photometric="rgb" if page.ndim == 3 else "minisblack",
                compression="zlib",
                metadata=None,
                software=False,
                contiguous=False,
            )
    return SanitizedImage(content=target.getvalue(), extension="tiff", format=ImageFormat.TIFF)


@lru_cache(maxsize=1)
def _overlay_colors() -> NDArray[np.uint8]:
    """Return (256, 4) RGBA, one row a level; the alpha rises with the level."""
    colors: NDArray[np.uint8] = mpl.colormaps[OVERLAY_COLORMAP](np.arange(256), bytes=True).copy()
    level = np.arange(256) / 255
    alpha = np.clip((level - _FULLY_TRANSPARENT_BELOW) / (1 - _FULLY_TRANSPARENT_BELOW), 0.0, 1.0)
    colors[:, 3] = np.rint(255 * np.sqrt(alpha)).astype(np.uint8)
    return colors


def _picture(image: DecodedImage, *, max_side: int | None) -> Image.Image:
    levels = np.rint(image.pixels * np.float32(255)).astype(np.uint8)
    picture = Image.fromarray(levels)
    if max_side is None or max(image.rows, image.columns) <= max_side:
        return picture
    height, width = _fitting(image.rows, image.columns, max_side=max_side)
    return picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _fitting(rows: int, columns: int, *, max_side: int) -> tuple[int, int]:
    scale = min(1.0, max_side / max(rows, columns))
    return max(1, round(rows * scale)), max(1, round(columns * scale))

"""Read PNG, JPEG and TIFF files with Pillow."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from mlcore.engine.errors import UnreadableImage, UnsupportedImage
from mlcore.engine.imaging.codestream import read_jpeg
from mlcore.engine.imaging.jpeg import decode_jpeg, essential_jpeg
from mlcore.engine.imaging.limits import check_header
from mlcore.engine.imaging.png import essential_png, png_channels, png_size
from mlcore.engine.imaging.quiet import refusing_damage
from mlcore.engine.imaging.tiff import open_tiff, tiff_gray
from mlcore.engine.types import ImageFormat, ImageHeader, ImageLimits

Samples = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.int16]

_MAX_JPEG_SCANS = 128
_HUFFMAN_CODED = frozenset({0xC0, 0xC1, 0xC2})
_CMYK = 4
_ORIENTATION = 0x0112
_EXPORT = "Export the image again as 8-bit or 16-bit PNG."


@dataclass(frozen=True)
class RasterFile:
    """A PNG, JPEG or TIFF file, opened and found to be within its limits."""

    header: ImageHeader
    data: bytes
    pages: tuple[int, ...] = (0,)
    """Of a TIFF: the positions of its full pages, thumbnails left out."""

    def frame(self, index: int) -> Samples:
        """Decode one frame to (rows, columns) uint8, uint16 or int16, or (rows, columns, 3) uint8 RGB."""
        with refusing_damage(f"{self.header.format.upper()} file"):
            if self.header.format is ImageFormat.JPEG:
                return _jpeg_samples(self.data, components=self.header.samples_per_pixel)
            if self.header.format is ImageFormat.PNG:
                return _png_samples(self.data)
            with TiffImageFile(BytesIO(self.data)) as image:
                image.seek(self.pages[index])
                # Pillow turns TIFF images upright itself.
                image.load()
                return _array(image)


def open_raster(data: bytes, *, format: ImageFormat, limits: ImageLimits) -> RasterFile:
    """Read the header of a PNG, JPEG or TIFF file and hold it to `limits`."""
    with refusing_damage(f"{format.upper()} file"):
        if format is ImageFormat.PNG:
            return _open_png(data, limits=limits)
        if format is ImageFormat.JPEG:
            return _open_jpeg(data, limits=limits)
        header, pages = open_tiff(data, limits=limits)
        return RasterFile(header=header, data=data, pages=pages)


def _open_png(data: bytes, *, limits: ImageLimits) -> RasterFile:
    rows, columns, depth, color = png_size(data)
    header = ImageHeader(
        format=ImageFormat.PNG,
        rows=rows,
        columns=columns,
        frame_count=1,
        samples_per_pixel=png_channels(color),
        bits_allocated=max(8, depth),
        bits_stored=depth,
        photometric_interpretation={0: "MONOCHROME2", 4: "MONOCHROME2", 3: "PALETTE COLOR"}.get(color, "RGB"),
    )
    check_header(header, limits=limits)
    return RasterFile(header=header, data=essential_png(data))


def _open_jpeg(data: bytes, *, limits: ImageLimits) -> RasterFile:
    stream = read_jpeg(data)
    header = ImageHeader(
        format=ImageFormat.JPEG,
        rows=stream.rows,
        columns=stream.columns,
        frame_count=1,
        samples_per_pixel=stream.components,
        bits_allocated=8 if stream.precision <= 8 else 16,
        bits_stored=stream.precision,
        photometric_interpretation={1: "MONOCHROME2", 4: "CMYK"}.get(stream.components, "YBR_FULL"),
    )
    check_header(header, limits=limits)
    if stream.precision != 8 or stream.marker not in _HUFFMAN_CODED:
        raise UnsupportedImage(
            "The JPEG file is of a rare kind (12-bit, lossless, hierarchical, arithmetic) that is not read.",
            mend=_EXPORT,
        )
    if stream.components not in (1, 3, _CMYK):
        raise UnreadableImage("The JPEG file declares a number of colors that JPEG images do not have.")
    if stream.scans > _MAX_JPEG_SCANS:
        raise UnreadableImage("The JPEG file holds far more scans than an image needs.")
    if not stream.ended:
        raise UnreadableImage("The JPEG file is truncated: it ends before its end mark.")
    return RasterFile(header=header, data=essential_jpeg(data))


def _jpeg_samples(data: bytes, *, components: int) -> Samples:
    pixels = decode_jpeg(data, components=components)
    with JpegImageFile(BytesIO(data)) as image:
        if components == _CMYK:
            pixels = np.asarray(image.convert("RGB"))
        gray_or_color = pixels if components == 1 else _gray_if_equal(pixels)
        return _oriented(gray_or_color, orientation=_orientation(image))


def _png_samples(data: bytes) -> Samples:
    with PngImageFile(BytesIO(data)) as image:
        # Asking for EXIF first would decode the pixels and hide what is wrong with them.
        image.load()
        return _oriented(_array(image), orientation=_orientation(image))


def _array(image: ImageFile) -> Samples:
    """Return the pixels as gray or RGB; transparency is laid over black, as a viewer's background is."""
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    if image.mode in ("I;16", "I;16L", "I;16B", "I"):
        return tiff_gray(image) if isinstance(image, TiffImageFile) else np.asarray(image).astype(np.uint16)
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _without_alpha(np.asarray(image.convert("RGBA")))
    return _gray_if_equal(np.asarray(image.convert("RGB")))


def _without_alpha(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    alpha = rgba[..., 3:].astype(np.uint16)
    flat = ((rgba[..., :3] * alpha + 127) // 255).astype(np.uint8)
    return _gray_if_equal(flat)


def _gray_if_equal(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one channel where all three are the same: a gray image in a color file."""
    red = rgb[..., 0]
    if np.array_equal(red, rgb[..., 1]) and np.array_equal(red, rgb[..., 2]):
        return np.ascontiguousarray(red)
    return rgb


def _orientation(image: ImageFile) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - a damaged EXIF block says nothing about the pixels
        return 1


def _oriented(samples: Samples, *, orientation: int) -> Samples:
    """Turn the pixels upright (EXIF 2.32, 4.6.5.A orientation)."""
    turned: NDArray[Any] = samples
    if orientation in (5, 6, 7, 8):
        turned = np.swapaxes(turned, 0, 1)
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)

"""Read the pages of TIFF files with Pillow."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import TiffImageFile

from mlcore.engine.errors import ImageTooLarge, UnsupportedImage
from mlcore.engine.imaging.limits import check_header
from mlcore.engine.types import ImageFormat, ImageHeader, ImageLimits

_EXPORT = "Export the image again as 8-bit or 16-bit PNG."
_BIG_ENDIAN_BIGTIFF = b"MM\x00+"
_SUBFILE, _BITS, _PHOTOMETRIC, _SAMPLES, _SAMPLE_FORMAT = 254, 258, 262, 277, 339
_SIGNED, _FLOATING = 2, 3
_WHITE_IS_ZERO = 0
_REDUCED_RESOLUTION = 1
_PHOTOMETRIC_NAMES = {
    0: "MONOCHROME1",
    1: "MONOCHROME2",
    2: "RGB",
    3: "PALETTE COLOR",
    5: "CMYK",
    6: "YBR_FULL",
}


def open_tiff(data: bytes, *, limits: ImageLimits) -> tuple[ImageHeader, tuple[int, ...]]:
    """Return the header of the first page, and the positions of the full pages, thumbnails left out."""
    if data[:4] == _BIG_ENDIAN_BIGTIFF:
        raise UnsupportedImage("The file is a big-endian BigTIFF, which is not read here.", mend=_EXPORT)
    headers: list[ImageHeader] = []
    pages: list[int] = []
    with _opened(data) as image:
        for position in range(limits.max_frames + 2):
            try:
                image.seek(position)
            except EOFError:
                break
            header = _tiff_header(image)
            check_header(header, limits=limits)
            if not pages or not int(_tag(image, _SUBFILE, 0)) & _REDUCED_RESOLUTION:
                headers.append(header)
                pages.append(position)
    if len(pages) > limits.max_frames:
        raise ImageTooLarge(
            f"The file has more than the {limits.max_frames} pages accepted.", mend="Send fewer pages."
        )
    first = headers[0]
    header = ImageHeader(**{**vars(first), "frame_count": len(pages)})
    if sum(page.decoded_bytes for page in headers) > limits.max_decoded_bytes:
        raise ImageTooLarge("The TIFF file takes too much memory once decoded.", mend="Send fewer pages.")
    return header, tuple(pages)


def _tiff_header(image: TiffImageFile) -> ImageHeader:
    bits = _tag(image, _BITS, 1)
    if int(_tag(image, _SAMPLE_FORMAT, 1)) == _FLOATING or bits > 16 or image.mode in ("F", "LAB"):
        raise _unsupported()
    photometric = int(_tag(image, _PHOTOMETRIC, 1))
    return ImageHeader(
        format=ImageFormat.TIFF,
        rows=image.height,
        columns=image.width,
        frame_count=1,
        samples_per_pixel=int(_tag(image, _SAMPLES, 1)),
        bits_allocated=8 if bits <= 8 else 16,
        bits_stored=int(bits),
        photometric_interpretation=_PHOTOMETRIC_NAMES.get(photometric, "RGB"),
        signed=int(_tag(image, _SAMPLE_FORMAT, 1)) == _SIGNED,
    )


def _tag(image: TiffImageFile, tag: int, default: int) -> int:
    value: Any = image.tag_v2.get(tag, default)
    return int(max(value)) if isinstance(value, tuple) else int(value)


def _opened(data: bytes) -> TiffImageFile:
    try:
        return TiffImageFile(BytesIO(data))
    except SyntaxError as error:
        if str(error) == "unknown pixel mode":
            raise _unsupported() from None
        raise


def _unsupported() -> UnsupportedImage:
    return UnsupportedImage(
        "The TIFF file stores floating-point, 32-bit or L*a*b* samples, which are not read here.",
        mend=_EXPORT,
    )


def tiff_gray(image: TiffImageFile) -> NDArray[np.uint16] | NDArray[np.int16]:
    """Return the gray values of a loaded page of more than 8 bits; white is never zero."""
    stored = np.asarray(image)
    if int(_tag(image, _SAMPLE_FORMAT, 1)) == _SIGNED:
        return stored.astype(np.int16)
    values: NDArray[np.uint16] = stored.astype(np.uint16)
    if _tag(image, _PHOTOMETRIC, 1) == _WHITE_IS_ZERO:
        # Pillow inverts 8-bit samples itself, and wider ones not.
        values = np.uint16(2 ** _tag(image, _BITS, 16) - 1) - values
    return values

"""Decode PNG, JPEG, TIFF and DICOM files, told apart by their first bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset

from mlcore.engine.errors import UnsupportedImage
from mlcore.engine.imaging.dicom_codecs import check_pixel_data, decode_frame
from mlcore.engine.imaging.dicom_color import palette_rgb, rgb_of
from mlcore.engine.imaging.dicom_file import read_dicom
from mlcore.engine.imaging.dicom_grayscale import grayscale_of
from mlcore.engine.imaging.dicom_header import dicom_header
from mlcore.engine.imaging.formats import HEAD_BYTES, detect_format
from mlcore.engine.imaging.grayscale import Grayscale, shown, window_for
from mlcore.engine.imaging.limits import check_bytes, check_header
from mlcore.engine.imaging.quiet import refusing_damage
from mlcore.engine.imaging.raster import RasterFile, open_raster
from mlcore.engine.types import DecodedImage, ImageFormat, ImageHeader, ImageLimits, StoredFrame, Window

DEFAULT_LIMITS = ImageLimits()


class OpenImage(Protocol):
    """An image whose header was read and held to its limits."""

    @property
    def header(self) -> ImageHeader: ...

    def samples(self, index: int) -> NDArray[Any]:
        """Return (rows, columns) integers as stored, or (rows, columns, 3) uint8 RGB."""

    def grayscale(self, index: int) -> Grayscale:
        """Return how the gray values of a frame are to be shown."""


@dataclass(frozen=True)
class _Raster:
    file: RasterFile

    @property
    def header(self) -> ImageHeader:
        return self.file.header

    def samples(self, index: int) -> NDArray[Any]:
        return self.file.frame(index)

    def grayscale(self, index: int) -> Grayscale:
        return Grayscale(bits_stored=max(8, self.header.bits_stored))


@dataclass(frozen=True)
class _Dicom:
    dataset: FileDataset
    header: ImageHeader

    def samples(self, index: int) -> NDArray[Any]:
        with refusing_damage("DICOM file"):
            samples = decode_frame(self.dataset, header=self.header, index=index)
            if self.header.photometric_interpretation == "PALETTE COLOR":
                return palette_rgb(samples, dataset=self.dataset)
            if samples.ndim == 3:
                return rgb_of(samples, header=self.header)
            return _plain(samples)

    def grayscale(self, index: int) -> Grayscale:
        with refusing_damage("DICOM file"):
            return grayscale_of(self.dataset, header=self.header, index=index)


def inspect_image(data: bytes, *, limits: ImageLimits = DEFAULT_LIMITS) -> ImageHeader:
    """Return what an image says of itself, without decoding a pixel.

    Every limit is checked here. Rows and columns are as stored, before an EXIF
    orientation is applied. Raises an `ImageError`.
    """
    return open_image(data, limits=limits).header


def decode_image(
    data: bytes,
    *,
    limits: ImageLimits = DEFAULT_LIMITS,
    frame: int | None = None,
    window: Window | None = None,
) -> DecodedImage:
    """Decode one frame for display and for the network.

    Modality and VOI transformation are applied (PS3.4 N.2), MONOCHROME1 is
    turned to MONOCHROME2, palette and YBR become RGB, and an EXIF orientation
    is applied. Without a window of its own, an image of more than 8 bits is
    shown from the 0.5th to the 99.5th percentile of its pixels. A `window`
    that is given takes the place of all of these.

    `frame` counts from zero. When None, the middle frame is taken, because the
    first and last of a stack or a loop often lie outside the organ; the
    result's `frame_index` says which. Raises an `ImageError`.
    """
    image = open_image(data, limits=limits)
    index = _frame_index(image.header, frame=frame)
    samples, grayscale = image.samples(index), image.grayscale(index)
    if window is not None:
        grayscale = replace(grayscale, window=window, voi_table=None)
    if samples.ndim == 3:
        pixels = samples.astype(np.float32) / np.float32(255.0)
    else:
        pixels = shown(samples, grayscale=grayscale)
    return DecodedImage(
        pixels=pixels,
        format=image.header.format,
        bits_stored=image.header.bits_stored,
        photometric_interpretation=image.header.photometric_interpretation,
        frame_index=index,
        frame_count=image.header.frame_count,
        pixel_spacing=grayscale.pixel_spacing,
    )


def decode_samples(
    data: bytes, *, limits: ImageLimits = DEFAULT_LIMITS, frame: int | None = None
) -> NDArray[Any]:
    """Decode one frame to (rows, columns) integers as stored, or (rows, columns, 3) uint8 RGB.

    Whoever only has to know whether the pixels can be read needs no more than
    this. The choice of the frame and the errors are those of `decode_image`.
    """
    image = open_image(data, limits=limits)
    index = _frame_index(image.header, frame=frame)
    image.grayscale(index)
    return image.samples(index)


def decode_stored_values(
    data: bytes, *, limits: ImageLimits = DEFAULT_LIMITS, frame: int | None = None
) -> StoredFrame:
    """Decode one frame to its stored values, with what a viewer needs to show them.

    A modality table, which slope and intercept cannot express, is applied; a
    VOI table is not, but goes with the values. Color
    comes as 8-bit RGB whatever it was stored as. The choice of the frame and
    the errors are those of `decode_image`.
    """
    image = open_image(data, limits=limits)
    index = _frame_index(image.header, frame=frame)
    samples, grayscale = image.samples(index), image.grayscale(index)
    color = samples.ndim == 3
    slope, intercept = grayscale.slope, grayscale.intercept
    window = window_for(samples, grayscale=grayscale) if not color else None
    if grayscale.modality_table is not None and not color:
        samples, slope, intercept = grayscale.modality_table.look_up(samples), 1.0, 0.0
    return StoredFrame(
        pixels=samples,
        format=image.header.format,
        bits_stored=8 if color else image.header.bits_stored,
        photometric_interpretation="RGB"
        if color
        else ("MONOCHROME1" if grayscale.inverted else "MONOCHROME2"),
        window_center=window.center if window else 127.5,
        window_width=window.width if window else 255.0,
        voi_lut_function=window.function if window else "LINEAR_EXACT",
        rescale_slope=slope,
        rescale_intercept=intercept,
        frame_index=index,
        frame_count=image.header.frame_count,
        pixel_spacing=grayscale.pixel_spacing,
        spacing_source=grayscale.spacing_source,
        windows=() if color else grayscale.windows,
        voi_table=None if color else grayscale.voi_table,
    )


def open_image(data: bytes, *, limits: ImageLimits) -> OpenImage:
    """Read the header of an image and hold it to `limits`; no pixel is decoded."""
    check_bytes(data, limits=limits)
    format = detect_format(data[:HEAD_BYTES])
    if format is not ImageFormat.DICOM:
        return _Raster(file=open_raster(data, format=format, limits=limits))
    dataset = read_dicom(data, limits=limits)
    with refusing_damage("DICOM file"):
        header = dicom_header(dataset)
        check_header(header, limits=limits)
        check_pixel_data(dataset, header=header)
    return _Dicom(dataset=dataset, header=header)


def _plain(samples: NDArray[Any]) -> NDArray[Any]:
    """Bring gray samples to uint8, uint16 or int16 in the machine's byte order."""
    if samples.dtype.kind == "i":
        return samples.astype(np.int16)
    return samples.astype(np.uint8 if samples.dtype.itemsize == 1 else np.uint16)


def _frame_index(header: ImageHeader, *, frame: int | None) -> int:
    index = header.frame_count // 2 if frame is None else frame
    if not 0 <= index < header.frame_count:
        raise UnsupportedImage(
            f"The image has {header.frame_count} frames; the one asked for is not among them.",
            mend="Ask for a frame from zero to one less than that number.",
            code="no_such_frame",
        )
    return index

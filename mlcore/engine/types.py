"""Values that pass between the engine and whoever calls it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
PixelArray = NDArray[np.uint8] | NDArray[np.uint16]


class ImageFormat(StrEnum):
    """Formats that are read, told apart by their first bytes."""

    PNG = "png"
    JPEG = "jpeg"
    TIFF = "tiff"
    DICOM = "dicom"


@dataclass(frozen=True)
class ImageLimits:
    """What an image may cost; checked before any pixel is decoded."""

    max_bytes: int = 100 * 1024 * 1024
    max_pixels_per_frame: int = 64_000_000
    max_frames: int = 512
    max_decoded_bytes: int = 1024 * 1024 * 1024


@dataclass(frozen=True)
class DecodedImage:
    """One frame, ready to look at: MONOCHROME2 polarity, VOI applied.

    `pixels` is (rows, columns) float32 in [0, 1] for a gray image or
    (rows, columns, 3) float32 in [0, 1] for a color image. Zero is black.
    """

    pixels: FloatArray
    format: ImageFormat
    bits_stored: int
    photometric_interpretation: str
    frame_index: int = 0
    frame_count: int = 1
    pixel_spacing: tuple[float, float] | None = None
    """Row and column spacing in mm (PS3.3 10.7.1.3), or None if not known."""

    @property
    def rows(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def columns(self) -> int:
        return int(self.pixels.shape[1])


@dataclass(frozen=True)
class ImageHeader:
    """What an image says of itself, read without decoding a pixel."""

    format: ImageFormat
    rows: int
    columns: int
    frame_count: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    photometric_interpretation: str
    signed: bool = False
    transfer_syntax_uid: str = ""
    """Of a DICOM file; empty for the other formats."""

    @property
    def decoded_bytes(self) -> int:
        """Size of all frames once decoded."""
        sample_bytes = max(1, (self.bits_allocated + 7) // 8)
        return self.rows * self.columns * self.samples_per_pixel * sample_bytes * self.frame_count


@dataclass(frozen=True)
class Window:
    """Center, width and function of a VOI window (PS3.3 C.11.2.1.2 and C.11.2.1.3)."""

    center: float
    width: float
    function: str = "LINEAR"

    @classmethod
    def spanning(cls, low: float, high: float) -> Window:
        """Return the window that shows `low` black and `high` white."""
        return cls(center=(low + high) / 2, width=max(high - low, 1e-6), function="LINEAR_EXACT")


@dataclass(frozen=True)
class LookupTable:
    """A modality or VOI table; values beyond either end take the entry there (PS3.3 C.11.1.1)."""

    first: int
    entries: NDArray[np.uint16]
    bits: int

    def look_up(self, values: NDArray[Any]) -> NDArray[np.uint16]:
        positions = np.clip(np.rint(values).astype(np.int64) - self.first, 0, self.entries.size - 1)
        found: NDArray[np.uint16] = self.entries[positions]
        return found


class SpacingSource(StrEnum):
    """The DICOM attribute that a pixel spacing comes from, the most telling first (PS3.3 10.7.1.3)."""

    PIXEL = "PixelSpacing"
    IMAGER = "ImagerPixelSpacing"
    FILM = "NominalScannedPixelSpacing"


@dataclass(frozen=True)
class StoredFrame:
    """One frame as stored, for a viewer that applies window and level itself.

    `pixels` is (rows, columns) uint8, uint16 or int16 for a gray image, and
    (rows, columns, 3) uint8 RGB for a color image. For a gray image
    `pixels * rescale_slope + rescale_intercept` are the values to which
    `window_center` and `window_width` apply (PS3.3 C.11.2.1.2), and
    MONOCHROME1 means that the lowest value is shown white.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.int16]
    format: ImageFormat
    bits_stored: int
    photometric_interpretation: str
    window_center: float
    window_width: float
    voi_lut_function: str = "LINEAR"
    rescale_slope: float = 1.0
    rescale_intercept: float = 0.0
    frame_index: int = 0
    frame_count: int = 1
    pixel_spacing: tuple[float, float] | None = None
    """Row and column spacing in mm (PS3.3 10.7.1.3), or None if not known."""
    spacing_source: SpacingSource | None = None
    windows: tuple[Window, ...] = ()
    """The windows that the file itself names, in its order."""
    voi_table: LookupTable | None = None
    """The VOI table of the file, which takes the place of a window (PS3.3 C.11.2.1.1)."""


class WithheldReason(StrEnum):
    """Why a model's answer is not shown."""

    OUT_OF_DISTRIBUTION = "out_of_distribution"
    POOR_QUALITY = "poor_quality"
    INVERTED = "inverted"


@dataclass(frozen=True)
class Withheld:
    """A refusal: its reason, a sentence for the reader, and the measured value."""

    reason: WithheldReason
    message: str
    measured: float
    limit: float


@dataclass(frozen=True)
class FindingScore:
    """The answer for one condition."""

    condition: str
    """Code of the condition, as in the artifact's `classes`."""
    probability: float
    """Calibrated, in [0, 1]."""
    operating_point: float
    """The probability from which the condition is suggested."""

    @property
    def suggested(self) -> bool:
        return self.probability >= self.operating_point


@dataclass(frozen=True)
class Prediction:
    """What a predictor says of one image.

    When `withheld` is set, `findings` is empty and `saliency_maps` too; embedding and
    layers are kept, for the search of similar images and of likeness to signed ones.
    """

    findings: tuple[FindingScore, ...]
    embedding: FloatArray
    """(embedding_size,), unit length."""
    saliency_maps: Mapping[str, FloatArray] = field(default_factory=dict)
    """By condition: (height, width) in [0, 1], covering the whole image as given."""
    saliency_method: str = "class_activation_map"
    withheld: Withheld | None = None
    layers: FloatArray | None = None
    """(n_layers,): what the earlier layers see of the image, whatever the conditions."""
    quality: Mapping[str, float] = field(default_factory=dict)
    """Named measurements, e.g. out_of_distribution_distance, sharpness."""


@dataclass(frozen=True)
class OperatingPoint:
    """Where a probability becomes a suggestion, and what that was measured to give."""

    threshold: float
    sensitivity: float
    specificity: float
    sensitivity_interval: tuple[float, float] | None = None
    specificity_interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class ModelFacts:
    """What an artifact says of itself; mirrored into the registry's row."""

    name: str
    architecture: str
    classes: tuple[str, ...]
    examination_type: str
    operating_points: Mapping[str, OperatingPoint]
    metrics: Mapping[str, float]
    embedding_version: str
    embedding_size: int
    dataset_sha256: str
    created_at: str
    """ISO 8601, UTC."""
    intended_use: str = ""
    limits: tuple[str, ...] = ()
    validated_ages: tuple[int, int] | None = None
    """Youngest and oldest patient the model was validated on, in completed years, or None if not stated."""

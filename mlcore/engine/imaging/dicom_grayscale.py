"""Read from a DICOM data set how its gray values are to be shown."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset

from mlcore.engine.errors import UnreadableImage
from mlcore.engine.imaging.dicom_file import sequence_items
from mlcore.engine.imaging.grayscale import Grayscale
from mlcore.engine.types import ImageHeader, LookupTable, SpacingSource, Window

_FUNCTIONS = frozenset({"LINEAR", "LINEAR_EXACT", "SIGMOID"})
MOST_WINDOWS = 16


def grayscale_of(dataset: FileDataset, *, header: ImageHeader, index: int) -> Grayscale:
    """Return how frame `index` is to be shown; in an enhanced object each frame may have its own way.

    A modality table takes the place of rescale slope and intercept, and a VOI
    table that of a window; of several windows the first is taken.
    """
    rescale = _frame_item(dataset, "PixelValueTransformationSequence", index=index)
    voi = _frame_item(dataset, "FrameVOILUTSequence", index=index)
    measures = _frame_item(dataset, "PixelMeasuresSequence", index=index)
    slope, intercept = _rescale(rescale)
    windows = _windows(voi)
    spacing, source = _pixel_spacing(measures)
    return Grayscale(
        bits_stored=header.bits_stored,
        inverted=header.photometric_interpretation == "MONOCHROME1",
        slope=slope,
        intercept=intercept,
        modality_table=_table(dataset, "ModalityLUTSequence"),
        voi_table=_table(voi, "VOILUTSequence"),
        window=windows[0] if windows else None,
        windows=windows,
        padding=_padding(dataset),
        pixel_spacing=spacing,
        spacing_source=source,
    )


def _frame_item(dataset: FileDataset, keyword: str, *, index: int) -> Dataset:
    """Return the item of a frame's functional group, or the data set itself (PS3.3 C.7.6.16)."""
    frames = sequence_items(dataset, "PerFrameFunctionalGroupsSequence")
    groups = [*frames[index : index + 1], *sequence_items(dataset, "SharedFunctionalGroupsSequence")]
    for group in groups:
        if items := sequence_items(group, keyword):
            return items[0]
    return dataset


def _rescale(item: Dataset) -> tuple[float, float]:
    slope, intercept = _number(item, "RescaleSlope"), _number(item, "RescaleIntercept")
    if slope == 0 or (slope is None and _present(item, "RescaleSlope")):
        raise UnreadableImage("The DICOM file declares a rescale slope that is not a number or zero.")
    return 1.0 if slope is None else slope, 0.0 if intercept is None else intercept


def _windows(item: Dataset) -> tuple[Window, ...]:
    """Return the usable windows in the file's order; where the first is none, it names none."""
    centers, widths = _numbers(item, "WindowCenter"), _numbers(item, "WindowWidth")
    function = str(item.get("VOILUTFunction") or "LINEAR").strip()
    function = function if function in _FUNCTIONS else "LINEAR"
    found = [
        Window(center=center, width=width, function=function)
        if center is not None and width is not None and width > 0
        else None
        for center, width in zip(centers, widths, strict=False)
    ]
    if not found or found[0] is None:
        return ()
    return tuple(window for window in found[:MOST_WINDOWS] if window is not None)


def _table(item: Dataset, keyword: str) -> LookupTable | None:
    """Read a lookup table (PS3.3 C.11.1.1 and C.11.2.1.1)."""
    tables = sequence_items(item, keyword)
    if not tables or "LUTDescriptor" not in tables[0] or "LUTData" not in tables[0]:
        return None
    count, first, bits = (int(value) for value in tables[0].LUTDescriptor)
    count = count or 65_536
    data = tables[0].LUTData
    if isinstance(data, bytes):
        entries = np.frombuffer(data, dtype=np.uint8 if len(data) == count else "<u2")
    else:
        entries = np.atleast_1d(np.asarray(data))
    if entries.size < count or not 8 <= bits <= 16:
        raise UnreadableImage("The DICOM file holds a damaged lookup table.")
    return LookupTable(first=first, entries=entries[:count].astype(np.uint16), bits=bits)


def _padding(dataset: FileDataset) -> tuple[int, int] | None:
    value = _number(dataset, "PixelPaddingValue")
    if value is None:
        return None
    limit = _number(dataset, "PixelPaddingRangeLimit")
    ends = sorted((int(value), int(value if limit is None else limit)))
    return ends[0], ends[1]


def _pixel_spacing(item: Dataset) -> tuple[tuple[float, float] | None, SpacingSource | None]:
    """Return row and column spacing in mm, and where they were measured (PS3.3 10.7.1.3).

    PixelSpacing that merely repeats ImagerPixelSpacing is not calibrated: it holds
    at the detector, where the patient appears magnified.
    """
    found = {source: spacing for source in SpacingSource if (spacing := _pair(item, source.value))}
    if not found:
        return None, None
    source = next(iter(found))
    if found.get(SpacingSource.IMAGER) == found[source]:
        source = SpacingSource.IMAGER
    return found[source], source


def _pair(item: Dataset, keyword: str) -> tuple[float, float] | None:
    try:
        row, column = (float(value) for value in item.get(keyword) or ())
    except (TypeError, ValueError):
        return None
    return (row, column) if 0 < row < math.inf and 0 < column < math.inf else None


def _present(item: Dataset, keyword: str) -> bool:
    return keyword in item and item.get_item(keyword).value not in (None, b"", "")


def _number(item: Dataset, keyword: str) -> float | None:
    """Return the first value as a finite number, or None where there is none."""
    numbers = _numbers(item, keyword)
    return numbers[0] if numbers else None


def _numbers(item: Dataset, keyword: str) -> list[float | None]:
    """Return each value as a finite number, or None where it is none."""
    try:
        value: Any = item.get(keyword)
    except (TypeError, ValueError, OverflowError):
        return []
    several = value is not None and not isinstance(value, str) and hasattr(value, "__len__")
    return [_finite(one) for one in (value if several else [value])]


def _finite(value: Any) -> float | None:
    try:
        number = None if value in (None, "") else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and math.isfinite(number) else None

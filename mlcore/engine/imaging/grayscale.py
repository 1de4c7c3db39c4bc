"""From stored gray values to what is seen (PS3.3 C.11.1 and C.11.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.types import FloatArray, LookupTable, SpacingSource, Window

LOW_PERCENTILE = 0.5
HIGH_PERCENTILE = 99.5

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Grayscale:
    """How the stored values of one gray frame are to be shown."""

    bits_stored: int
    inverted: bool = False
    """Whether the lowest value is shown white, as in MONOCHROME1."""
    slope: float = 1.0
    intercept: float = 0.0
    modality_table: LookupTable | None = None
    voi_table: LookupTable | None = None
    window: Window | None = None
    windows: tuple[Window, ...] = ()
    """All windows that the image names, `window` first."""
    padding: tuple[int, int] | None = None
    """Lowest and highest stored value that stands for 'no pixel here' (PS3.3 C.7.5.1.1.2)."""
    pixel_spacing: tuple[float, float] | None = None
    spacing_source: SpacingSource | None = None

    def modality_values(self, stored: NDArray[Any]) -> Values:
        """Return modality values (Hounsfield units, for one) of stored values."""
        if self.modality_table is not None:
            return self.modality_table.look_up(stored).astype(np.float64)
        return stored.astype(np.float64) * self.slope + self.intercept


def shown(stored: NDArray[Any], *, grayscale: Grayscale) -> FloatArray:
    """Return (rows, columns) float32 in [0, 1], zero black, of stored gray values.

    The transformation is worked out once for each value that occurs between
    the lowest and the highest, at most 65,536, and then looked up.
    """
    lowest, highest = int(stored.min()), int(stored.max())
    values = grayscale.modality_values(np.arange(lowest, highest + 1))
    if grayscale.voi_table is not None:
        table = grayscale.voi_table.look_up(values).astype(np.float32) / (2**grayscale.voi_table.bits - 1)
        table = np.clip(table, 0.0, 1.0)
    else:
        table = apply_window(values, window=window_for(stored, grayscale=grayscale))
    if grayscale.inverted:
        table = np.float32(1.0) - table
    positions = stored.astype(np.int32) - lowest
    pixels: FloatArray = table[positions]
    return pixels


def window_for(stored: NDArray[Any], *, grayscale: Grayscale) -> Window:
    """Return the window the image names, or the one that suits it best.

    Without a window of its own an image of at most 8 bits is shown over its
    whole range, because it was made to be looked at, and a deeper one from
    the 0.5th to the 99.5th percentile of its pixels.
    """
    if grayscale.window is not None:
        return grayscale.window
    plain = (grayscale.slope, grayscale.intercept) == (1.0, 0.0) and grayscale.modality_table is None
    if grayscale.bits_stored <= 8 and plain and stored.dtype == np.uint8:
        return Window.spanning(0.0, float(2**grayscale.bits_stored - 1))
    return _percentile_window(stored, grayscale=grayscale)


def apply_window(values: Values, *, window: Window) -> FloatArray:
    """Map values to [0, 1] by the formulas of PS3.3 C.11.2.1.2.1 and C.11.2.1.3."""
    if window.function == "SIGMOID":
        exponent = np.clip(-4.0 * (values - window.center) / window.width, -700.0, 700.0)
        return (1.0 / (1.0 + np.exp(exponent))).astype(np.float32)
    if window.function == "LINEAR_EXACT":
        linear = (values - window.center) / window.width + 0.5
    elif window.width <= 1:
        linear = (values > window.center - 0.5).astype(np.float64)
    else:
        linear = (values - (window.center - 0.5)) / (window.width - 1) + 0.5
    return np.clip(linear, 0.0, 1.0).astype(np.float32)


def _percentile_window(stored: NDArray[Any], *, grayscale: Grayscale) -> Window:
    """Keep a few hot pixels, a marker or the collimated border from taking the whole range."""
    lowest = int(stored.min())
    counts = np.bincount((stored.astype(np.int32) - lowest).ravel())
    if grayscale.padding is not None:
        first, last = (bound - lowest for bound in grayscale.padding)
        without_padding = counts.copy()
        without_padding[max(first, 0) : max(last + 1, 0)] = 0
        counts = without_padding if without_padding.any() else counts
    values = grayscale.modality_values(np.arange(lowest, lowest + counts.size))
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(counts[order])
    wanted = cumulated[-1] * np.array([LOW_PERCENTILE, HIGH_PERCENTILE]) / 100
    low, high = values[order][np.minimum(np.searchsorted(cumulated, wanted), values.size - 1)]
    return Window.spanning(float(low), float(high))

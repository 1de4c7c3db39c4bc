"""The class activation map in the frame of the image as given (Zhou 2016, arXiv:1512.04150)."""

from __future__ import annotations

import numpy as np
from PIL import Image

from mlcore.engine.imaging.preprocess import Preprocessing, edge_mask
from mlcore.engine.types import FloatArray

EVEN = 0.25
"""Part of the reference by which the peak must stand out for the map to be shown at full strength."""

OWN_PEAK = 1e-6
"""Reference of maps that are shown relative to their own peak."""


def saliency_map(
    contributions: FloatArray,
    *,
    how: Preprocessing,
    reference: float,
    offset: tuple[float, float] = (0.0, 0.0),
) -> FloatArray:
    """(h, w) contributions to a logit to (stored_size, stored_size) in [0, 1] over the whole image.

    Only what speaks for the condition is kept, and of it what stands out: what a place
    adds above the mean of all places, which is the logit. `reference` is the peak that
    counts as full strength, so that a faint map stays faint, and a map that is nearly the
    same everywhere does too (`EVEN`). What lies outside of the crop, which the network
    does not see, is 0. `offset` is how far down and to the right of where it lies in the
    grid a place looks, in pixels of the network's input, at most one place of the grid:
    convolutions with stride and padding look aside.
    """
    size, side = how.input_size, how.stored_size
    level = max(0.0, float(contributions.mean()))
    standing_out = np.maximum(contributions - level, 0.0)
    seen = _to_input(standing_out, size=size, offset=offset)
    seen = np.maximum(seen, 0.0) * edge_mask(size=size, blank=how.edge_blank, ramp=how.edge_ramp)
    margin = round(how.crop * side)
    inner = side - 2 * margin
    whole = np.zeros((side, side), np.float32)
    resized = Image.fromarray(seen).resize((inner, inner), Image.Resampling.BILINEAR)
    whole[margin : margin + inner, margin : margin + inner] = np.asarray(resized, np.float32)
    strength = min(1.0, (level + float(whole.max())) / reference)
    full = max(float(whole.max()), EVEN * reference, 1e-12)
    shown: FloatArray = np.clip(whole * np.float32(strength / full), 0.0, 1.0)
    return shown


def _to_input(contributions: FloatArray, *, size: int, offset: tuple[float, float]) -> FloatArray:
    """(h, w) to (size, size), moved by `offset`; what comes in from beyond the edge repeats it."""
    height, width = contributions.shape
    down, right = offset[0] * height / size, offset[1] * width / size
    picture = Image.fromarray(np.pad(contributions, 1, mode="edge").astype(np.float32))
    box = (1 - right, 1 - down, 1 - right + width, 1 - down + height)
    return np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC, box=box), np.float32)

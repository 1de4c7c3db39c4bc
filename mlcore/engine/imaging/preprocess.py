"""From a decoded image of any size to what the network sees.

The images that a network is trained on are stored small and square, squashed from
whatever shape they had. A full-resolution upload is squashed in the same way, and from
there both take the same road: cut the border off, stretch the gray values, fade the
edge into gray.
"""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

from mlcore.engine.types import FloatArray

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
FLAT = 1e-3
"""A spread of gray values below this is no picture."""


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes a network input; stored in the artifact."""

    stored_size: int = 224
    """Side of the square that every image is squashed to first."""
    stored_jpeg_quality: int = 75
    """Of that square, as of the stored training images."""
    crop: float = 0.05
    """Part of each side that is cut off: markers and padding live there."""
    input_size: int = 192
    low: float = 0.01
    high: float = 0.99
    """Quantiles of gray that become black and white."""
    edge_blank: int = 4
    """Outermost pixels of the input that are constant."""
    edge_ramp: int = 12
    """Pixels over which the picture then fades in."""

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        return asdict(self)


def to_gray(pixels: FloatArray) -> FloatArray:
    """(rows, columns) or (rows, columns, 3) in [0, 1] to (rows, columns), by luma (ITU-R BT.601)."""
    return pixels if pixels.ndim == 2 else np.asarray(pixels @ LUMA, np.float32)


def squash(pixels: FloatArray, *, size: int, jpeg_quality: int) -> FloatArray:
    """Squash to (size, size) as the stored training images were, without keeping the aspect ratio.

    Those are of 8 bits, made with a triangle filter as wide as the area that becomes
    one pixel, and compressed as JPEG. Doing the same makes an upload at full resolution
    the same picture to the last bit; any other filter lies measurably further from what
    the model was validated on. A picture that has the size already is left as it is.
    """
    if pixels.shape == (size, size):
        return pixels
    picture = Image.fromarray((np.clip(pixels, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8))
    small = picture.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(jpeg_copy(small, quality=jpeg_quality), np.float32) / np.float32(255.0)


def jpeg_copy(image: Image.Image, *, quality: int) -> Image.Image:
    """The picture after a round through JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("L")


def coarse_copy(image: Image.Image, *, side: int) -> Image.Image:
    """Return a square image at a resolution of `side`, as large as before."""
    small = image.resize((side, side), Image.Resampling.BOX)
    return small.resize(image.size, Image.Resampling.BILINEAR)


def crop_center(pixels: FloatArray, *, crop: float, size: int) -> FloatArray:
    """Cut `crop` of every side off a square picture and resize what is left to (size, size)."""
    side = pixels.shape[0]
    box = (crop * side, crop * side, (1 - crop) * side, (1 - crop) * side)
    picture = Image.fromarray(np.ascontiguousarray(pixels, np.float32))
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR, box=box), np.float32)


def stretch(pixels: FloatArray, *, low: float, high: float) -> FloatArray:
    """Map the quantiles `low` and `high` to 0 and 1 and clip; a flat picture becomes 0.5 throughout."""
    last = pixels.size - 1
    at_low, at_high = int(low * last), int(high * last)
    ordered = np.partition(pixels, (at_low, at_high), axis=None)
    black, white = float(ordered[at_low]), float(ordered[at_high])
    if white - black < FLAT:
        return np.full_like(pixels, 0.5)
    stretched: FloatArray = np.clip((pixels - black) / np.float32(white - black), 0.0, 1.0)
    return stretched


@lru_cache(maxsize=8)
def edge_mask(*, size: int, blank: int, ramp: int) -> FloatArray:
    """(size, size) in [0, 1]: exactly 0 in the outermost `blank` pixels, 1 from `blank + ramp` inwards."""
    inward = np.minimum(np.arange(size), np.arange(size)[::-1]).astype(np.float32)
    step = np.clip((inward - blank + 1) / (ramp + 1), 0.0, 1.0)
    smooth = step * step * (3 - 2 * step)
    mask = np.asarray(np.outer(smooth, smooth), np.float32)
    mask.setflags(write=False)
    return mask


def finish_input(pixels: FloatArray, *, how: Preprocessing) -> FloatArray:
    """(input_size, input_size) in [0, 1] to a network input (input_size, input_size, 1) in [-1, 1].

    The scale is that of the ImageNet weights, (255 x - 127) / 128.
    """
    gray = stretch(pixels, low=how.low, high=how.high)
    mask = edge_mask(size=how.input_size, blank=how.edge_blank, ramp=how.edge_ramp)
    return np.asarray(((gray * 255.0 - 127.0) / 128.0 * mask)[..., None], np.float32)


def stored_picture(pixels: FloatArray, *, how: Preprocessing) -> FloatArray:
    """An image as decoded to the square gray picture that all else starts from."""
    return squash(to_gray(pixels), size=how.stored_size, jpeg_quality=how.stored_jpeg_quality)


def network_input(stored: FloatArray, *, how: Preprocessing) -> FloatArray:
    """A stored square picture in [0, 1] to a network input (input_size, input_size, 1)."""
    return finish_input(crop_center(stored, crop=how.crop, size=how.input_size), how=how)

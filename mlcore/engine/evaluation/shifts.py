"""Copies of pictures as another department, viewer or export would have made them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mlcore.engine.imaging.preprocess import coarse_copy, jpeg_copy

Picture = NDArray[np.uint8]


def _contrast(picture: Picture, *, gain: float, offset: float) -> Picture:
    changed: Picture = np.clip(picture * gain + offset, 0, 255).astype(np.uint8)
    return changed


def _gamma(picture: Picture, *, gamma: float) -> Picture:
    return (255 * (picture / 255.0) ** gamma).astype(np.uint8)


def _blur(picture: Picture, *, radius: float) -> Picture:
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


def _pad(picture: Picture, *, part: float, sides: str) -> Picture:
    """Black bars on the sides named: `h` left and right, `v` above and below."""
    size = picture.shape[0]
    inner = round(size * (1 - 2 * part))
    width, height = (inner if "h" in sides else size), (inner if "v" in sides else size)
    canvas = Image.new("L", (size, size))
    small = Image.fromarray(picture).resize((width, height), Image.Resampling.BOX)
    canvas.paste(small, ((size - width) // 2, (size - height) // 2))
    return np.asarray(canvas)


def _crop(picture: Picture, *, part: float) -> Picture:
    size = picture.shape[0]
    box = (part * size, part * size, (1 - part) * size, (1 - part) * size)
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR, box=box))


SHIFTS: dict[str, Callable[[Picture], Picture]] = {
    "as stored": lambda picture: picture,
    "low contrast": lambda picture: _contrast(picture, gain=0.6, offset=40),
    "clipped highlights": lambda picture: _contrast(picture, gain=1.3, offset=0),
    "gamma 0.7": lambda picture: _gamma(picture, gamma=0.7),
    "gamma 1.4": lambda picture: _gamma(picture, gamma=1.4),
    "blur": lambda picture: _blur(picture, radius=1.2),
    "JPEG 30": lambda picture: np.asarray(jpeg_copy(Image.fromarray(picture), quality=30)),
    "half size": lambda picture: np.asarray(coarse_copy(Image.fromarray(picture), side=112)),
    "padded at the sides": lambda picture: _pad(picture, part=0.06, sides="h"),
    "padded above": lambda picture: _pad(picture, part=0.06, sides="v"),
    "cropped 6 %": lambda picture: _crop(picture, part=0.06),
}


def shifted(pictures: NDArray[np.uint8], *, name: str) -> NDArray[np.uint8]:
    """(n, size, size) pictures, each changed by the shift of that name."""
    return np.stack([SHIFTS[name](picture) for picture in pictures])

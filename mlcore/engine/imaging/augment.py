"""Random changes of a training picture, against cues that are not disease.

Place, zoom, aspect and rotation break what border and padding tell; a random
monotone tone curve, noise, blur, resolution and JPEG break what exposure and
encoding tell. Everything is drawn from the generator that is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mlcore.engine.imaging.preprocess import Preprocessing, coarse_copy, finish_input, jpeg_copy
from mlcore.engine.types import FloatArray


@dataclass(frozen=True)
class Augmentation:
    """Strengths of the random changes; probabilities are per picture."""

    zoom: float = 0.14
    aspect: float = 0.14
    """Natural logarithms: 0.14 is 15 % either way."""
    rotation: float = 10.0
    """Degrees either way."""
    shift: float = 0.06
    """Part of the side, either way."""
    flip: float = 0.5
    tone: float = 0.35
    """Spread of the logarithm of the steps of the tone curve."""
    gamma: float = 0.4
    blur: float = 0.3
    coarse: float = 0.2
    noise: float = 0.3
    jpeg: float = 0.3
    patches: float = 0.3
    invert: float = 0.0
    shade: float = 0.0
    """Lay a slope of brightness over the picture."""
    sharpen: float = 0.0
    fill: float = 0.0
    """Let what lies beyond the picture be of any gray, rather than black."""


def augmented_input(
    picture: NDArray[np.uint8], *, rng: np.random.Generator, how: Preprocessing, strength: Augmentation
) -> FloatArray:
    """A stored square 8-bit picture to one randomly changed network input (input_size, input_size, 1)."""
    image = _place(Image.fromarray(picture), rng=rng, how=how, strength=strength)
    image = image.point(_tone_curve(rng, strength))
    if strength.shade and rng.random() < strength.shade:
        image = _shade(image, rng)
    if rng.random() < strength.patches:
        image = _patch(image, rng)
    if rng.random() < strength.coarse:
        image = _coarsen(image, rng)
    if strength.sharpen and rng.random() < strength.sharpen:
        radius, percent = rng.uniform(0.8, 4.0), int(rng.uniform(30, 150))
        image = image.filter(ImageFilter.UnsharpMask(radius, percent, threshold=0))
    if rng.random() < strength.blur:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.4)))
    if rng.random() < strength.noise:
        image = _add_noise(image, rng)
    if rng.random() < strength.jpeg:
        image = jpeg_copy(image, quality=int(rng.integers(20, 90)))
    return finish_input(np.asarray(image, np.float32) / 255.0, how=how)


def _place(
    image: Image.Image, *, rng: np.random.Generator, how: Preprocessing, strength: Augmentation
) -> Image.Image:
    """Cut a randomly placed, zoomed, squeezed and turned window."""
    side, size = image.width, how.input_size
    zoom = np.exp(rng.uniform(-strength.zoom, strength.zoom))
    squeeze = np.exp(rng.uniform(-strength.aspect, strength.aspect) / 2)
    angle = np.deg2rad(rng.uniform(-strength.rotation, strength.rotation))
    scale = side * (1 - 2 * how.crop) / size * zoom
    flip = -1.0 if rng.random() < strength.flip else 1.0
    xx, xy = flip * scale * squeeze * np.cos(angle), -scale * squeeze * np.sin(angle)
    yx, yy = flip * scale / squeeze * np.sin(angle), scale / squeeze * np.cos(angle)
    center = side / 2 + rng.uniform(-strength.shift, strength.shift, 2) * side
    beyond = int(rng.integers(256)) if strength.fill and rng.random() < strength.fill else 0
    half = size / 2
    coefficients = (xx, xy, center[0] - (xx + xy) * half, yx, yy, center[1] - (yx + yy) * half)
    return image.transform(
        (size, size), Image.Transform.AFFINE, coefficients, resample=Image.Resampling.BILINEAR,
        fillcolor=beyond,
    )  # fmt: skip


def _tone_curve(rng: np.random.Generator, strength: Augmentation) -> list[int]:
    """A random monotone map of the 256 gray values."""
    steps = np.exp(rng.normal(0.0, strength.tone, 8))
    knots = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    curve = np.interp(np.linspace(0, 1, 256), np.linspace(0, 1, 9), knots)
    curve = curve ** np.exp(rng.uniform(-strength.gamma, strength.gamma))
    gain = rng.uniform(0.6, 1.0)
    curve = curve * gain + rng.uniform(0.0, 1.0 - gain)
    if rng.random() < strength.invert:
        curve = 1.0 - curve
    return [round(255 * value) for value in curve]


def _shade(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Brighten one side or corner, up to a fifth of the range, as uneven exposure does."""
    down, aside = rng.uniform(-1.0, 1.0, 2)
    y, x = (np.linspace(-1.0, 1.0, side, dtype=np.float32) for side in (image.height, image.width))
    slope = rng.uniform(5.0, 50.0) * (down * y[:, None] + aside * x[None, :]) / 2
    return Image.fromarray(np.clip(np.asarray(image, np.float32) + slope, 0, 255).astype(np.uint8))


def _patch(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Lay small flat boxes over the picture, like markers, electrodes and masks."""
    pixels = np.array(image)
    for _ in range(int(rng.integers(1, 4))):
        height, width = rng.integers(4, image.height // 6, 2)
        top, left = rng.integers(0, image.height - height), rng.integers(0, image.width - width)
        pixels[top : top + height, left : left + width] = rng.integers(0, 256)
    return Image.fromarray(pixels)


def _coarsen(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return coarse_copy(image, side=int(image.width * rng.uniform(0.5, 0.9)))


def _add_noise(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    noise = rng.standard_normal((image.height, image.width), np.float32) * rng.uniform(1.0, 9.0)
    return Image.fromarray(np.clip(np.asarray(image, np.float32) + noise, 0, 255).astype(np.uint8))

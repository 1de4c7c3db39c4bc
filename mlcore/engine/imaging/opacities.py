"""Plants hazy opacities into radiographs, to teach a network that a part of a lung is enough.

The labels of a radiograph say that something is there and not where. A network learns
from them whatever tells the pictures apart, which need not be in the lung. A healthy
lung that was given an opacity differs from what it was by that opacity alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlcore.engine.types import FloatArray

ROWS, COLUMNS = (0.28, 0.66), ((0.17, 0.40), (0.60, 0.83))
"""Where the middle of an opacity may lie on a frontal chest radiograph squashed to a square."""
RADII = (0.05, 0.16)
MOST = 3
DENSITY = (0.35, 0.85)
"""How far towards the gray of soft tissue an opacity goes."""


def plant_opacities(picture: NDArray[np.uint8], *, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A stored square radiograph (size, size) with one to three opacities in its lungs."""
    size = picture.shape[0]
    pixels = picture.astype(np.float32)
    for _ in range(int(rng.integers(1, MOST + 1))):
        tissue = np.quantile(picture, rng.uniform(0.75, 0.92)) + _cloud(size, rng, cells=28) * 12.0
        density = rng.uniform(*DENSITY) * _shape(size, rng)
        pixels += density * np.maximum(tissue - pixels, 0.0)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _shape(size: int, rng: np.random.Generator) -> FloatArray:
    """(size, size) in [0, 1]: a turned ellipse with a ragged edge, hard or soft."""
    left, right = COLUMNS[int(rng.integers(2))]
    row, column = rng.uniform(*ROWS) * size, rng.uniform(left, right) * size
    high, wide = rng.uniform(*RADII, 2) * size
    angle = rng.uniform(0.0, np.pi)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    down, aside = y - row, x - column
    along = down * np.cos(angle) + aside * np.sin(angle)
    across = aside * np.cos(angle) - down * np.sin(angle)
    distance = np.hypot(along / high, across / wide) + rng.uniform(0.05, 0.35) * _cloud(size, rng, cells=10)
    steepness = rng.uniform(3.0, 10.0)
    return np.asarray(1.0 / (1.0 + np.exp(np.clip(steepness * (distance - 0.85), -30, 30))), np.float32)


def _cloud(size: int, rng: np.random.Generator, *, cells: int) -> FloatArray:
    """(size, size) smooth noise of mean 0 and spread about 1, with about `cells` bumps a side."""
    coarse = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), np.float32)

"""Is a saliency map true to the network, and does it point at the right place?

Deletion and insertion after Petsiuk 2018 (arXiv:1806.07421), on the logit or on
a probability; sanity by comparison with a randomized network after Adebayo 2018
(arXiv:1810.03292).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.explanation.gradients import blurred
from mlcore.engine.types import FloatArray

Score = Callable[[FloatArray], float]
"""A network input (size, size, 1) to the number that is explained."""
STEPS = 16
FRAME = 0.05
LUNGS = ((0.45, 0.29), (0.45, 0.71))
"""Centers of the lungs on a frontal radiograph squashed to a square: row and column, as parts of the side."""


@dataclass(frozen=True)
class PlantedLesion:
    """A picture with an opacity that was not there before, and where it is."""

    picture: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    """(size, size): where the opacity was planted."""


def plant_lesion(picture: NDArray[np.uint8], *, rng: np.random.Generator) -> PlantedLesion:
    """Lay a hazy, mottled opacity over one lung of a stored square radiograph (size, size).

    Like a consolidation: the gray of soft tissue, a soft edge, uneven within, 14 to
    22 % of the side across.
    """
    from scipy.ndimage import gaussian_filter

    size = picture.shape[0]
    row, column = np.array(LUNGS[int(rng.integers(2))]) * size + rng.uniform(-0.07, 0.07, 2) * size
    high, wide = rng.uniform(0.07, 0.11, 2) * size
    y, x = np.mgrid[:size, :size].astype(np.float32)
    mottled = gaussian_filter(rng.standard_normal((size, size)), size * 0.012)
    ragged = gaussian_filter(rng.standard_normal((size, size)), size * 0.03)
    distance = np.hypot((y - row) / high, (x - column) / wide) + 0.25 * ragged / ragged.std()
    opacity = 0.75 / (1.0 + np.exp(np.clip(8.0 * (distance - 0.85), -30, 30)))
    tissue = np.quantile(picture, 0.85) + 14.0 * mottled / mottled.std()
    whiter = np.maximum(tissue - picture, 0.0)
    planted = np.clip(picture + opacity * whiter, 0, 255).astype(np.uint8)
    inside = np.hypot((y - row) / high, (x - column) / wide) <= 1.0
    return PlantedLesion(picture=planted, inside=np.asarray(inside, np.bool_))


def implant(
    healthy: NDArray[np.uint8], sick: NDArray[np.uint8], *, rng: np.random.Generator
) -> PlantedLesion:
    """Set a part of one lung of a sick radiograph into a healthy one, both (size, size), soft at its edge.

    The part is an ellipse of 3 to 6 tenths of the side high and 3 to 3.4 tenths wide: the
    upper, middle or lower part of a lung or all of it. What is real about real disease stays.
    """
    size = healthy.shape[0]
    high, wide = rng.uniform(0.15, 0.30), rng.uniform(0.15, 0.17)
    reach = 0.30 - high
    middle, column = LUNGS[int(rng.integers(2))]
    row = middle + rng.uniform(-reach, reach)
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    distance = np.hypot((y - row) / high, (x - column) / wide)
    mask = np.clip((1.15 - distance) / 0.3, 0.0, 1.0)
    mixed = healthy * (1.0 - mask) + sick * mask
    picture = np.clip(mixed, 0, 255).astype(np.uint8)
    return PlantedLesion(picture=picture, inside=np.asarray(distance <= 1.0, np.bool_))


def peak_is_inside(saliency: FloatArray, inside: NDArray[np.bool_]) -> bool:
    """Whether the highest place of the map lies within; an empty map points nowhere."""
    return bool(saliency.max() > 0 and inside.ravel()[int(saliency.argmax())])


def frame_energy(saliency: FloatArray, *, part: float = FRAME) -> float:
    """Part of the sum of a map that lies within `part` of the side from the edge."""
    width = max(1, round(part * saliency.shape[0]))
    inner = float(saliency[width:-width, width:-width].sum())
    return 1.0 - inner / max(float(saliency.sum()), 1e-12)


def insertion_minus_deletion(
    score: Score, image: FloatArray, saliency: FloatArray, *, steps: int = STEPS
) -> float:
    """Mean score while the picture appears, most salient first, less the mean while it vanishes.

    `saliency` is (size, size) in the frame of the network input. What is not shown is
    the same picture strongly blurred.
    """
    without = blurred(image)
    order = np.argsort(-saliency, axis=None, kind="stable")
    shown = np.zeros(saliency.size, np.float32)
    inserted, deleted = [score(without)], [score(image)]
    for part in np.array_split(order, steps):
        shown[part] = 1.0
        mask = shown.reshape(image.shape)
        inserted.append(score(without + mask * (image - without)))
        deleted.append(score(image + mask * (without - image)))
    return float(np.trapezoid(inserted) - np.trapezoid(deleted)) / steps


def dummy_maps(image: FloatArray, *, rng: np.random.Generator) -> dict[str, FloatArray]:
    """Maps that know nothing of the network: the middle, the edges of the picture, soft noise."""
    from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude

    size = image.shape[0]
    y, x = (np.mgrid[:size, :size] - (size - 1) / 2) / size
    noise = gaussian_filter(rng.standard_normal((size, size)), 0.06 * size)
    return {
        "middle": np.asarray(np.exp(-(y**2 + x**2) / 0.08), np.float32),
        "edges": np.asarray(gaussian_gradient_magnitude(image[..., 0], 0.01 * size), np.float32),
        "noise": np.asarray(noise, np.float32),
    }


def rank_correlation(first: FloatArray, second: FloatArray) -> float:
    """Spearman's correlation of two maps of one shape; 0 when one is flat."""
    from scipy.stats import rankdata

    ranks = [rankdata(m, axis=None) for m in (first, second)]
    if any(r.std() == 0 for r in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])

"""Find images that are nearly the same: one exported twice, or two slices of one examination.

Two steps. A hash of 64 bits, the signs of the lowest frequencies of a discrete cosine
transform against their median (Zauner, "Implementation and Benchmarking of Perceptual
Image Hash Functions", 2010), is compared with all others by Hamming distance. Radiographs
of the same body part look alike to it, so whatever it finds is confirmed by the
correlation of the fine structure of two thumbnails, which two patients do not share.

Measured over all pairs of different patients: of 13.7 million pairs of paediatric chest
radiographs 36,231 lie within 10 bits, and 2 of them are confirmed; of 365,000 pairs of
adult ones 770 and none. The same image with another
window, gamma, size or JPEG quality, or turned by 1 degree, is found in at least 99 of 100
cases, turned by 2 degrees in 94. Cut by 2 % at every side it is found in 56 to 65 of 100
(brain MRI: 3), cut by 4 % or mirrored not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn
from scipy.ndimage import uniform_filter

from mlcore.engine.imaging.preprocess import to_gray
from mlcore.engine.types import FloatArray

THUMBNAIL_SIDE = 32
HASH_SIDE = 8
FINE_WINDOW = 5
"""Pixels of the thumbnail over which the coarse structure is averaged, to be taken away."""
MAX_DISTANCE = 10
"""Bits by which two hashes may differ."""
MIN_CORRELATION = 0.8
"""Of the fine structure of two thumbnails."""
FLAT = 1e-6


@dataclass(frozen=True)
class Fingerprint:
    """What of an image is kept to know it again."""

    hash: int
    """64 bits as a signed integer, as databases store it."""
    thumbnail: bytes
    """32x32 gray values of one byte, row by row."""


def fingerprint(pixels: FloatArray) -> Fingerprint:
    """Return the fingerprint of (rows, columns) or (rows, columns, 3) in [0, 1]."""
    picture = Image.fromarray(np.ascontiguousarray(to_gray(pixels), np.float32))
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    small = np.asarray(picture.resize(side, Image.Resampling.BOX), np.float32)
    lowest = dctn(small, norm="ortho")[:HASH_SIDE, :HASH_SIDE].ravel()
    bits = np.packbits(lowest > np.median(lowest[1:]))
    gray = np.clip(np.rint(small * 255), 0, 255).astype(np.uint8)
    return Fingerprint(hash=int(bits.view(">i8")[0]), thumbnail=gray.tobytes())


def hashes_within(value: int, hashes: NDArray[np.int64], *, distance: int = MAX_DISTANCE) -> NDArray[np.intp]:
    """Return the places in `hashes` (n,) of those at most `distance` bits from `value`, nearest first."""
    bits = np.bitwise_count((hashes ^ np.int64(value)).view(np.uint64))
    found = np.flatnonzero(bits <= distance)
    return found[np.argsort(bits[found], kind="stable")]


def fine_correlation(thumbnail: bytes, others: Sequence[bytes]) -> FloatArray:
    """Return (n,) in [-1, 1]: how far the fine structure of each of `others` is that of `thumbnail`.

    A flat picture has no structure and correlates with nothing: 0.
    """
    if not others:
        return np.zeros(0, np.float32)
    fine = _fine_structure([thumbnail, *others])
    return np.asarray(fine[1:] @ fine[0], np.float32)


def _fine_structure(thumbnails: Sequence[bytes]) -> FloatArray:
    """(n, 784): each row the thumbnail less its surroundings, of unit length."""
    side, margin = THUMBNAIL_SIDE, FINE_WINDOW // 2
    gray = np.frombuffer(b"".join(thumbnails), np.uint8).reshape(-1, side, side).astype(np.float32)
    fine = gray - uniform_filter(gray, (0, FINE_WINDOW, FINE_WINDOW))
    rows = fine[:, margin:-margin, margin:-margin].reshape(len(thumbnails), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.where(length > FLAT, rows / np.maximum(length, FLAT), 0.0), np.float32)

"""Saliency maps as small files."""

from io import BytesIO

import numpy as np
from PIL import Image

from mlcore.engine.types import FloatArray


def encode_map(saliency: FloatArray) -> bytes:
    """Return a map of (height, width) in [0, 1] as an 8-bit gray PNG; values move by at most 1/510."""
    levels = np.rint(np.clip(saliency, 0.0, 1.0) * 255.0).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(levels).save(file, format="PNG")
    return file.getvalue()


def decode_map(content: bytes) -> FloatArray:
    """Return the map of (height, width) in [0, 1] that `encode_map` made a file of."""
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image, dtype=np.float32) / np.float32(255.0)

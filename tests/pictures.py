"""Pictures with structure, drawn at random from a seed, as files."""

import io

import numpy as np
from PIL import Image


def texture_png(seed: int, *, side: int = 96) -> bytes:
    """A gray PNG with structure at every scale; another seed gives another picture."""
    noise = np.random.default_rng(seed)
    picture = sum(
        weight
        * np.asarray(
            Image.fromarray(noise.random((cells, cells)).astype(np.float32)).resize((side, side)), np.float32
        )
        for cells, weight in ((4, 0.5), (12, 0.3), (40, 0.2))
    )
    return _file(Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8)), "PNG")


def exported_again(content: bytes) -> bytes:
    """The same picture as another program writes it: larger, brighter, as a JPEG."""
    picture = Image.open(io.BytesIO(content)).resize((130, 130), Image.Resampling.BILINEAR)
    return _file(picture.point([min(255, round(255 * (level / 255) ** 0.9)) for level in range(256)]), "JPEG")


def _file(picture: Image.Image, kind: str) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind)
    return target.getvalue()

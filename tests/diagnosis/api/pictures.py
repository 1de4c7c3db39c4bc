"""Small real images."""

import io

from PIL import Image


def png(*, level: int = 0) -> bytes:
    """Return a gray PNG; another `level` is another image."""
    file = io.BytesIO()
    gradient = Image.linear_gradient("L").resize((64, 48)).point(lambda value: (value + level) % 256)
    gradient.save(file, "PNG")
    return file.getvalue()

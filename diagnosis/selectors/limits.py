"""What an image may cost on this installation."""

from django.conf import settings

from mlcore.engine.types import ImageLimits


def image_limits() -> ImageLimits:
    """Return the limits that the settings set."""
    return ImageLimits(
        max_bytes=settings.UPLOAD_MAX_BYTES,
        max_pixels_per_frame=settings.UPLOAD_MAX_PIXELS,
        max_frames=settings.UPLOAD_MAX_FRAMES,
    )

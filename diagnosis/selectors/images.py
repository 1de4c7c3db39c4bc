"""Pictures of what is stored, rendered when they are asked for."""

from http import HTTPStatus
from io import BytesIO
from pathlib import PurePosixPath

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from PIL import Image

from diagnosis.models import Explanation, Finding, Instance
from medimaging.common.errors import ApplicationError
from medimaging.common.storage import content_exists, read_content, store_derived
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.imaging.encode import render_jpeg, render_overlay, render_png
from mlcore.engine.imaging.maps import decode_map
from mlcore.engine.types import DecodedImage, Window

THUMBNAIL_SIDE = 160


class StoredFileMissing(ApplicationError):
    """The database knows the image, but its file is gone."""

    code = "stored_file_missing"
    status = HTTPStatus.NOT_FOUND
    mend = gettext_lazy("Ask an administrator to restore it from a backup.")


def display_png(instance: Instance, *, frame: int | None = None, max_side: int | None = None) -> bytes:
    """Return an instance as an 8-bit PNG, window and polarity applied.

    Raises:
        ImageError: the frame does not exist.
        StoredFileMissing: the file is gone.
    """
    image = decode_image(stored_file(instance.content_key), frame=frame)
    return render_png(image, max_side=max_side)


def rendered(
    instance: Instance,
    *,
    frame: int | None = None,
    max_side: int | None = None,
    window: Window | None = None,
    jpeg_quality: int | None = None,
) -> bytes:
    """Return a frame as a JPEG of the quality given, or as a PNG where none is.

    Raises:
        ImageError: the frame does not exist.
        StoredFileMissing: the file is gone.
    """
    image = decode_image(stored_file(instance.content_key), frame=frame, window=window)
    if jpeg_quality is None:
        return render_png(image, max_side=max_side)
    return render_jpeg(image, max_side=max_side, quality=jpeg_quality)


def thumbnail(instance: Instance) -> bytes:
    """Return a small PNG of an instance, kept from the first time it was asked for.

    It is stored beside the image under a name that follows from the image's, so
    it needs no row, and losing it costs nothing.
    """
    key = thumbnail_key(instance)
    try:
        return read_content(key)
    except FileNotFoundError:
        small = display_png(instance, max_side=THUMBNAIL_SIDE)
        store_derived(key, small)
        return small


def keep_thumbnail(instance: Instance, image: DecodedImage) -> None:
    """Keep the small picture of an image that is decoded already, so that no list has to decode it.

    Nothing is kept of an image that was erased meanwhile.
    """
    key = thumbnail_key(instance)
    if content_exists(instance.content_key) and not content_exists(key):
        store_derived(key, render_png(image, max_side=THUMBNAIL_SIDE))


def thumbnail_key(instance: Instance) -> str:
    """Return where the small picture of an instance is kept."""
    return f"thumbnails/{PurePosixPath(instance.content_key).stem}-{THUMBNAIL_SIDE}.png"


def overlay_png(finding: Finding) -> bytes:
    """Return a finding's saliency map as a colored, transparent PNG in the image's own shape."""
    instance = finding.analysis.instance
    return render_overlay(
        decode_map(stored_file(finding.saliency_key)), rows=instance.rows, columns=instance.columns
    )


def overlaid_png(finding: Finding, *, frame: int | None, max_side: int, opacity: float = 0.45) -> bytes:
    """Return the image with a finding's saliency map laid over it."""
    below = Image.open(
        BytesIO(display_png(finding.analysis.instance, frame=frame, max_side=max_side))
    ).convert("RGBA")
    above = Image.open(BytesIO(overlay_png(finding))).convert("RGBA").resize(below.size)
    above.putalpha(above.getchannel("A").point(lambda alpha: round(alpha * opacity)))
    file = BytesIO()
    Image.alpha_composite(below, above).convert("RGB").save(file, "PNG")
    return file.getvalue()


def explanation_png(explanation: Explanation) -> bytes:
    """Return a map that was asked for as a colored, transparent PNG in the image's own shape."""
    instance = explanation.finding.analysis.instance
    return render_overlay(
        decode_map(stored_file(explanation.saliency_key)), rows=instance.rows, columns=instance.columns
    )


def stored_file(key: str) -> bytes:
    """Return the content of a stored file.

    Raises:
        StoredFileMissing: the file is gone.
    """
    try:
        return read_content(key)
    except FileNotFoundError as error:
        raise StoredFileMissing(_("The stored file of this image is missing.")) from error

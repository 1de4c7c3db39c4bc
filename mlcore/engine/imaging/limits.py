"""Hold an image to what it may cost, before any pixel is decoded."""

from __future__ import annotations

from mlcore.engine.errors import EmptyFile, ImageTooLarge, UnreadableImage
from mlcore.engine.types import ImageHeader, ImageLimits

_MEGA = 1_000_000


def check_bytes(data: bytes, *, limits: ImageLimits) -> None:
    """Raise `EmptyFile` or `ImageTooLarge` by the size of the file alone."""
    if not data:
        raise EmptyFile("The file is empty.")
    if len(data) > limits.max_bytes:
        raise ImageTooLarge(
            f"The file is larger than the {limits.max_bytes // _MEGA} MB that are accepted.",
            mend="Send a smaller or compressed file, or fewer frames at a time.",
        )


def check_header(header: ImageHeader, *, limits: ImageLimits) -> None:
    """Raise `UnreadableImage` or `ImageTooLarge` by what the image declares of itself."""
    if header.rows < 1 or header.columns < 1:
        raise UnreadableImage("The image declares a width or height of zero.")
    if header.frame_count < 1:
        raise UnreadableImage("The image declares that it holds no frame.")
    if header.rows * header.columns > limits.max_pixels_per_frame:
        raise ImageTooLarge(
            f"The image has more than the {limits.max_pixels_per_frame // _MEGA} megapixels accepted.",
            mend="Send the image at a lower resolution.",
        )
    if header.frame_count > limits.max_frames:
        raise ImageTooLarge(
            f"The file has more than the {limits.max_frames} frames that are accepted.",
            mend="Send fewer frames at a time.",
        )
    if header.decoded_bytes > limits.max_decoded_bytes:
        raise ImageTooLarge(
            f"Once decoded, the image takes more than the {limits.max_decoded_bytes // _MEGA} MB accepted.",
            mend="Send fewer frames, or the image at a lower resolution.",
        )

"""Why a file was rejected, in the language of whoever sent it.

What is stored, and what REST answers, is the engine's own sentence, in English.
"""

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy

from diagnosis.models import Upload

BY_CODE: dict[str, str | Promise] = {
    "empty_file": gettext_lazy(
        "The file holds nothing. Check that it was copied completely and send it again."
    ),
    "unknown_format": gettext_lazy(
        "The file is not of a format that is read here. Send a PNG, JPEG, TIFF or DICOM file."
    ),
    "unreadable_image": gettext_lazy(
        "The file is truncated or damaged. Export the image again from its source and send the new file."
    ),
    "unsupported_image": gettext_lazy("The file is sound, but of a kind that is not read here."),
    "image_too_large": gettext_lazy(
        "The image is larger than is accepted. Send a smaller export or fewer frames."
    ),
    "conflicting_instance": gettext_lazy(
        "Another image is already stored under the identifier of this file. "
        "Give the changed image an identifier of its own and send it again."
    ),
}


def rejection_words(upload: Upload) -> str:
    """Return what was wrong and what to do; beside a translation stands the exact sentence."""
    known = BY_CODE.get(upload.rejection_code)
    if known is None or (get_language() or "en").startswith("en"):
        return upload.rejection
    return f"{known} ({upload.rejection_message})"

"""Take one DICOM file in over a network protocol, and say why it is not stored in DICOM's own numbers."""

from dataclasses import dataclass
from enum import IntEnum

from accounts.models import User
from diagnosis.dicom.original import OriginalIdentity, original_identity
from diagnosis.models import Instance, Upload, UploadSource, UploadState
from diagnosis.selectors.limits import image_limits
from diagnosis.services.cleaning import stored_uid
from diagnosis.services.intake import receive
from mlcore.engine.errors import ImageError
from mlcore.engine.imaging.dicom_header import READ_TRANSFER_SYNTAXES
from mlcore.models import ExaminationType

LARGE = "image_too_large"


class FailureReason(IntEnum):
    """Why an instance was not stored (PS3.18 I.2, PS3.7 C)."""

    DUPLICATE_SOP_INSTANCE = 0x0111
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    OUT_OF_RESOURCES = 0xA700
    STUDY_MISMATCH = 0xA901
    CANNOT_UNDERSTAND = 0xC000
    TRANSFER_SYNTAX_NOT_SUPPORTED = 0xC122


@dataclass(frozen=True)
class Stored:
    """An instance that is stored, and what it came in as."""

    instance: Instance
    original: OriginalIdentity


@dataclass(frozen=True)
class Failed:
    """An instance that is not stored; `original` is None where the part does not say what it is."""

    reason: FailureReason
    message: str
    original: OriginalIdentity | None = None


Outcome = Stored | Failed


def store_instance(
    content: bytes,
    *,
    by: User,
    source: UploadSource,
    examination_type: ExaminationType | None = None,
    study_uid: str = "",
) -> Outcome:
    """Store one DICOM file through the intake."""
    try:
        original = original_identity(content, limits=image_limits())
    except ImageError as error:
        return Failed(FailureReason.CANNOT_UNDERSTAND, error.message)
    if study_uid and study_uid not in (original.study_instance_uid, stored_uid(original.study_instance_uid)):
        return Failed(
            FailureReason.STUDY_MISMATCH, "The instance is of another study than the address.", original
        )
    upload = receive(content, by=by, source=source, examination_type=examination_type)
    if upload.state == UploadState.ACCEPTED and upload.instance is not None:
        return Stored(instance=upload.instance, original=original)
    return Failed(_reason(upload, original=original), upload.rejection_message, original)


def _reason(upload: Upload, *, original: OriginalIdentity) -> FailureReason:
    """Return the reason that fits best to what the intake said."""
    if upload.rejection_code == LARGE:
        return FailureReason.OUT_OF_RESOURCES
    if upload.rejection_code == "conflicting_instance":
        return FailureReason.DUPLICATE_SOP_INSTANCE
    if upload.rejection_code == "unsupported_image":
        if original.transfer_syntax_uid not in READ_TRANSFER_SYNTAXES:
            return FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED
        return FailureReason.SOP_CLASS_NOT_SUPPORTED
    return FailureReason.CANNOT_UNDERSTAND

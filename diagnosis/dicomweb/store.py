"""Take in what STOW-RS brings, one instance after the other (PS3.18 10.5)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from accounts.models import User
from diagnosis.dicom.original import OriginalIdentity, original_identity
from diagnosis.dicomweb.multipart import MultipartError, Part
from diagnosis.models import Instance, Upload, UploadSource, UploadState
from diagnosis.selectors.limits import image_limits
from diagnosis.services.intake import receive, stored_uid
from mlcore.engine.errors import ImageError
from mlcore.engine.imaging.dicom_header import READ_TRANSFER_SYNTAXES
from mlcore.engine.imaging.formats import HEAD_BYTES, detect_format
from mlcore.engine.types import ImageFormat
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


def store_parts(
    parts: Iterable[Part], *, by: User, examination_type: ExaminationType | None, study_uid: str = ""
) -> Iterator[Outcome]:
    """Store the parts of a request in turn; a broken body is the failure of what was not read.

    Raises:
        MultipartError: the body is broken before any part of it was read.
    """
    count = 0
    try:
        for part in parts:
            count += 1
            yield _store(part, by=by, examination_type=examination_type, study_uid=study_uid)
    except MultipartError as error:
        if count == 0:
            raise
        yield Failed(FailureReason.CANNOT_UNDERSTAND, str(error))


def _store(part: Part, *, by: User, examination_type: ExaminationType | None, study_uid: str) -> Outcome:
    if part.content is None:
        largest = image_limits().max_bytes // 2**20
        return Failed(FailureReason.OUT_OF_RESOURCES, f"The instance is larger than {largest} MB.")
    refusal = _unusable(part, content=part.content)
    if refusal:
        return Failed(FailureReason.CANNOT_UNDERSTAND, refusal)
    return store_instance(
        part.content,
        by=by,
        source=UploadSource.DICOMWEB,
        examination_type=examination_type,
        study_uid=study_uid,
    )


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


def _unusable(part: Part, *, content: bytes) -> str:
    media_type = part.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in ("", "application/dicom"):
        return "The part is not application/dicom."
    encoding = part.headers.get("content-transfer-encoding", "binary").lower()
    if encoding not in ("binary", "8bit", "7bit") or "content-encoding" in part.headers:
        return "The part is encoded; send it in binary."
    if not content or detect_format(content[:HEAD_BYTES]) is not ImageFormat.DICOM:
        return "The part is no DICOM file."
    return ""


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

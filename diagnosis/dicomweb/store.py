"""Take in what STOW-RS brings, one instance after the other (PS3.18 10.5)."""

from collections.abc import Iterable, Iterator

from accounts.models import User
from diagnosis.dicomweb.multipart import MultipartError, Part
from diagnosis.models import UploadSource
from diagnosis.selectors.limits import image_limits
from diagnosis.services.dicom_store import Failed, FailureReason, Outcome, store_instance
from mlcore.engine.imaging.formats import HEAD_BYTES, detect_format
from mlcore.engine.types import ImageFormat
from mlcore.models import ExaminationType


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

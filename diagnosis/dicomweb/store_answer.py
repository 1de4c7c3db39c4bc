"""What STOW-RS answers: the Store Instances Response (PS3.18 10.5.3.2 and Annex I)."""

from collections.abc import Sequence
from http import HTTPStatus

from django.utils import timezone
from pydicom.dataset import Dataset

from diagnosis.dicom.original import OriginalIdentity
from diagnosis.dicomweb.addresses import Addresses
from diagnosis.selectors.dicom_files import sop_class_of
from diagnosis.services.dicom_store import Failed, Outcome, Stored

COERCED = 0xB000
"""Warning Reason "Coercion of Data Elements": identity was removed and UIDs are new."""
LONGEST_COMMENT = 64


def store_status(outcomes: Sequence[Outcome]) -> HTTPStatus:
    """Return 200 where everything is stored, 409 where nothing is, and 202 between."""
    stored = sum(isinstance(outcome, Stored) for outcome in outcomes)
    if stored == len(outcomes):
        return HTTPStatus.OK
    return HTTPStatus.ACCEPTED if stored else HTTPStatus.CONFLICT


def store_response(outcomes: Sequence[Outcome], *, addresses: Addresses) -> Dataset:
    """Return the data set that names what is stored, under which UIDs, and what is not and why."""
    stored = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    response = Dataset()
    studies = {outcome.instance.series.study.study_instance_uid for outcome in stored}
    response.RetrieveURL = addresses.study(studies.pop()) if len(studies) == 1 else None
    response.ReferencedSOPSequence = [_stored_item(outcome, addresses=addresses) for outcome in stored]
    named = [_failed_item(outcome) for outcome in failed if _is_named(outcome.original)]
    others = [_reason_item(outcome) for outcome in failed if not _is_named(outcome.original)]
    if named:
        response.FailedSOPSequence = named
    if others:
        response.OtherFailuresSequence = others
    return response


def _stored_item(outcome: Stored, *, addresses: Addresses) -> Dataset:
    instance = outcome.instance
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class_of(instance)
    item.ReferencedSOPInstanceUID = instance.sop_instance_uid
    item.RetrieveURL = addresses.instance(instance)
    item.WarningReason = COERCED
    item.OriginalAttributesSequence = [_original(outcome.original)]
    return item


def _original(original: OriginalIdentity) -> Dataset:
    """Return what the sender knows the instance by (PS3.3 C.12.1, Original Attributes Sequence)."""
    before = Dataset()
    before.SOPInstanceUID = original.sop_instance_uid
    before.StudyInstanceUID = original.study_instance_uid
    before.SeriesInstanceUID = original.series_instance_uid
    item = Dataset()
    item.ModifiedAttributesSequence = [before]
    item.AttributeModificationDateTime = timezone.now().strftime("%Y%m%d%H%M%S.%f")
    item.ModifyingSystem = "medimaging"
    item.SourceOfPreviousValues = None
    item.ReasonForTheAttributeModification = "COERCE"
    return item


def _is_named(original: OriginalIdentity | None) -> bool:
    return original is not None and bool(original.sop_instance_uid and original.sop_class_uid)


def _failed_item(outcome: Failed) -> Dataset:
    item = _reason_item(outcome)
    if outcome.original is not None:
        item.ReferencedSOPClassUID = outcome.original.sop_class_uid
        item.ReferencedSOPInstanceUID = outcome.original.sop_instance_uid
    return item


def _reason_item(outcome: Failed) -> Dataset:
    item = Dataset()
    item.FailureReason = int(outcome.reason)
    item.ErrorComment = _comment(outcome.message)
    return item


def _comment(message: str) -> str:
    """Return the message in the 64 characters that a comment has (PS3.5 6.2, LO)."""
    plain = message.replace("\\", "/")
    return plain if len(plain) <= LONGEST_COMMENT else plain[: LONGEST_COMMENT - 3].rstrip() + "..."

"""De-identify DICOM images: the Basic Profile of PS3.15 E.2, turned into an allow-list.

The options taken with it are "retain patient characteristics" for sex and age
alone, and "retain longitudinal temporal information with modified dates" for
the study date alone, which moves into the past by a number of days that is
fixed for each patient and known to nobody without the key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, SecondaryCaptureImageStorage

from diagnosis.dicom.attributes import DicomAttributes, attributes_of
from diagnosis.dicom.cleaning import copy_allowed, copy_pixels
from diagnosis.dicom.dates import capped_age, shifted_date
from diagnosis.dicom.pseudonyms import check_key, hashed_uid, is_placeholder, pseudonym, shift_days
from diagnosis.dicom.report import EMPTIED, remaining_risks, removed_keywords
from mlcore.engine.errors import UnsupportedImage
from mlcore.engine.imaging.decode import DEFAULT_LIMITS
from mlcore.engine.imaging.dicom_codecs import check_pixel_data
from mlcore.engine.imaging.dicom_file import read_dicom
from mlcore.engine.imaging.dicom_header import dicom_header
from mlcore.engine.imaging.formats import HEAD_BYTES, detect_format
from mlcore.engine.imaging.limits import check_bytes, check_header
from mlcore.engine.imaging.quiet import refusing_damage
from mlcore.engine.types import ImageFormat, ImageHeader, ImageLimits

__all__ = ["DeidentifiedDicom", "deidentify", "hashed_uid", "pseudonym"]

IMPLEMENTATION_CLASS_UID = "2.25.249836130374923480274402131262517384731"
IMPLEMENTATION_VERSION_NAME = "MEDIMAGING"
METHOD = "PS3.15 Basic Profile as an allow-list"
_METHOD_CODES = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ("113108", "Retain Patient Characteristics Option"),
)


@dataclass(frozen=True)
class DeidentifiedDicom:
    """A DICOM file without identity, and what became of the original."""

    content: bytes
    attributes: DicomAttributes
    patient_pseudonym: str
    removed: tuple[str, ...]
    """Keywords of the attributes that were removed, sorted; 'PrivateAttribute' for private ones."""
    warnings: tuple[str, ...] = ()
    """Sentences on what may still identify the patient."""


def deidentify(data: bytes, *, key: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> DeidentifiedDicom:
    """Return a DICOM image without what identifies the patient.

    Only the attributes of `diagnosis.dicom.allowed` are kept, and only with the
    values it allows. The patient becomes a pseudonym, UIDs become keyed hashes
    (the same UID always the same), all dates but the shifted study date go,
    ages above 89 years become 90. Pixel data stays byte for byte in its own
    transfer syntax; bytes beyond the declared frames are cut off. The result
    depends on `data` and `key` alone. Raises an `ImageError` where the file is
    no image, damaged or over `limits`.
    """
    check_key(key)
    check_bytes(data, limits=limits)
    if detect_format(data[:HEAD_BYTES]) is not ImageFormat.DICOM:
        raise UnsupportedImage("The file is not a DICOM file and cannot be de-identified as one.")
    original = read_dicom(data, limits=limits)
    with refusing_damage("DICOM file"):
        header = dicom_header(original)
        check_header(header, limits=limits)
        check_pixel_data(original, header=header)
        patient = _patient_pseudonym(original, data=data, key=key)
        cleaned = _cleaned(original, header=header)
        _name_anew(cleaned, original, data=data, key=key)
        _describe_patient(cleaned, original, patient=patient, key=key)
        _state_method(cleaned)
        return DeidentifiedDicom(
            content=_written(cleaned),
            attributes=attributes_of(cleaned, header=header),
            patient_pseudonym=patient,
            removed=removed_keywords(original, cleaned=cleaned),
            warnings=remaining_risks(original),
        )


def _cleaned(original: FileDataset, *, header: ImageHeader) -> FileDataset:
    cleaned = FileDataset(BytesIO(), Dataset(), preamble=b"\0" * 128, file_meta=FileMetaDataset())
    cleaned.set_original_encoding(*original.original_encoding)
    cleaned.file_meta.TransferSyntaxUID = UID(header.transfer_syntax_uid)
    copy_allowed(original, into=cleaned)
    copy_pixels(original, into=cleaned, header=header)
    return cleaned


def _patient_pseudonym(original: FileDataset, *, data: bytes, key: bytes) -> str:
    """Return the pseudonym of issuer and Patient ID, or one for this study where these name nobody."""
    patient_id = str(original.get("PatientID") or "").strip()
    if is_placeholder(patient_id):
        return pseudonym(f"study\x1f{_uid(original, 'StudyInstanceUID', data=data)}", key=key)
    issuer = str(original.get("IssuerOfPatientID") or "").strip()
    return pseudonym(f"{issuer}\x1f{patient_id}" if issuer else patient_id, key=key)


def _name_anew(cleaned: FileDataset, original: FileDataset, *, data: bytes, key: bytes) -> None:
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(cleaned, keyword, hashed_uid(_uid(original, keyword, data=data), key=key))
    if frame_of_reference := str(original.get("FrameOfReferenceUID") or ""):
        cleaned.FrameOfReferenceUID = hashed_uid(frame_of_reference, key=key)
    sop_class = UID(str(original.get("SOPClassUID") or ""))
    cleaned.SOPClassUID = sop_class if sop_class.keyword else SecondaryCaptureImageStorage
    cleaned.file_meta.MediaStorageSOPClassUID = cleaned.SOPClassUID
    cleaned.file_meta.MediaStorageSOPInstanceUID = cleaned.SOPInstanceUID
    cleaned.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    cleaned.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME


def _uid(original: FileDataset, keyword: str, *, data: bytes) -> str:
    """Return a UID of the original, or where it lacks one, something that only the same bytes have."""
    return str(original.get(keyword) or "").strip() or f"{keyword} {hashlib.sha256(data).hexdigest()}"


def _describe_patient(cleaned: FileDataset, original: FileDataset, *, patient: str, key: bytes) -> None:
    cleaned.PatientName = patient
    cleaned.PatientID = patient
    for keyword in EMPTIED:
        setattr(cleaned, keyword, "")
    cleaned.StudyDate = shifted_date(original, days=shift_days(patient, key=key))
    if age := capped_age(original):
        cleaned.PatientAge = age


def _state_method(cleaned: FileDataset) -> None:
    cleaned.PatientIdentityRemoved = "YES"
    cleaned.DeidentificationMethod = METHOD
    cleaned.LongitudinalTemporalInformationModified = "MODIFIED"
    codes = []
    for value, meaning in _METHOD_CODES:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
        codes.append(code)
    cleaned.DeidentificationMethodCodeSequence = codes


def _written(cleaned: FileDataset) -> bytes:
    target = BytesIO()
    dcmwrite(target, cleaned, enforce_file_format=True)
    return target.getvalue()

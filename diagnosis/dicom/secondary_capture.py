"""Present a stored picture that is no DICOM file as one (PS3.3 A.8, Secondary Capture)."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from diagnosis.dicom.deidentify import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from mlcore.engine.imaging.decode import open_image
from mlcore.engine.types import ImageLimits

PAGE_NUMBER_VECTOR = 0x00182001


@dataclass(frozen=True)
class PictureIdentity:
    """Whose picture it is and where it belongs, under pseudonyms and new UIDs."""

    patient: str
    patient_sex: str
    patient_age_years: int | None
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    modality: str = "OT"
    series_number: int | None = None
    instance_number: int | None = None


def capture_class(*, frame_count: int, bits_stored: int, color: bool) -> UID:
    """Return the SOP class in which a picture of this kind is presented."""
    if frame_count == 1:
        return SecondaryCaptureImageStorage
    if color:
        return MultiFrameTrueColorSecondaryCaptureImageStorage
    if bits_stored <= 8:
        return MultiFrameGrayscaleByteSecondaryCaptureImageStorage
    return MultiFrameGrayscaleWordSecondaryCaptureImageStorage


def as_secondary_capture(content: bytes, *, identity: PictureIdentity, limits: ImageLimits) -> bytes:
    """Return a stored PNG or TIFF as a DICOM file, its pixel values unchanged.

    The result depends on the arguments alone. Raises an `ImageError`.
    """
    image = open_image(content, limits=limits)
    header = image.header
    frames = np.stack([image.samples(index) for index in range(header.frame_count)])
    color = frames.ndim == 4
    dataset = FileDataset(BytesIO(), Dataset(), preamble=b"\0" * 128, file_meta=FileMetaDataset())
    dataset.SOPClassUID = capture_class(
        frame_count=header.frame_count, bits_stored=header.bits_stored, color=color
    )
    _identify(dataset, identity)
    dataset.ConversionType = "WSD"
    dataset.BurnedInAnnotation = "NO"
    if header.frame_count > 1:
        dataset.FrameIncrementPointer = PAGE_NUMBER_VECTOR
        dataset.PageNumberVector = list(range(1, header.frame_count + 1))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.set_pixel_data(
        frames if header.frame_count > 1 else frames[0],
        "RGB" if color else "MONOCHROME2",
        frames.dtype.itemsize * 8,
        generate_instance_uid=False,
    )
    target = BytesIO()
    dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


def _identify(dataset: FileDataset, identity: PictureIdentity) -> None:
    dataset.SOPInstanceUID = identity.sop_instance_uid
    dataset.StudyInstanceUID = identity.study_instance_uid
    dataset.SeriesInstanceUID = identity.series_instance_uid
    dataset.PatientName = dataset.PatientID = identity.patient
    dataset.PatientSex = identity.patient_sex
    if identity.patient_age_years is not None:
        dataset.PatientAge = f"{identity.patient_age_years:03d}Y"
    dataset.Modality = identity.modality
    dataset.SeriesNumber = identity.series_number
    dataset.InstanceNumber = identity.instance_number
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "Pixels written anew"
    for keyword in (
        *("AccessionNumber", "Manufacturer", "PatientBirthDate", "ReferringPhysicianName"),
        *("StudyDate", "StudyID", "StudyTime", "PatientOrientation"),
    ):
        setattr(dataset, keyword, "")
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    dataset.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME

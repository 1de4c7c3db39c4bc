"""Stored images as DICOM files, whatever they are stored as."""

from diagnosis.dicom.secondary_capture import PictureIdentity, as_secondary_capture, capture_class
from diagnosis.models import Instance
from diagnosis.selectors.images import stored_file
from diagnosis.selectors.limits import image_limits
from mlcore.engine.types import ImageFormat

DEFAULT_MODALITY = "OT"


def dicom_file(instance: Instance) -> bytes:
    """Return an instance as a DICOM file; a picture of another format becomes a Secondary Capture.

    Raises:
        StoredFileMissing: the file is gone.
    """
    content = stored_file(instance.content_key)
    if instance.format == ImageFormat.DICOM.value:
        return content
    study = instance.series.study
    identity = PictureIdentity(
        patient=study.patient.pseudonym,
        patient_sex=study.patient.sex,
        patient_age_years=study.patient_age_years,
        study_instance_uid=study.study_instance_uid,
        series_instance_uid=instance.series.series_instance_uid,
        sop_instance_uid=instance.sop_instance_uid,
        modality=instance.series.modality or DEFAULT_MODALITY,
        series_number=instance.series.series_number,
        instance_number=instance.instance_number,
    )
    return as_secondary_capture(content, identity=identity, limits=image_limits())


def sop_class_of(instance: Instance) -> str:
    """Return the SOP class an instance has as a DICOM file."""
    if instance.sop_class_uid:
        return instance.sop_class_uid
    return str(
        capture_class(
            frame_count=instance.frame_count,
            bits_stored=instance.bits_stored,
            color=instance.photometric_interpretation == "RGB",
        )
    )

"""Rows of the database as rows of a search (PS3.18 10.6.3.3)."""

from collections.abc import Iterable
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from diagnosis.dicomweb.addresses import Addresses
from diagnosis.models import Instance, Series, Study
from diagnosis.selectors.dicom_files import DEFAULT_MODALITY, sop_class_of

Values = dict[str, Any]
ONLINE = "ONLINE"


def study_values(study: Study, *, addresses: Addresses) -> Values:
    """Return what is known of a study; annotated counts are told where they are there."""
    values: Values = {
        "StudyDate": study.study_date.strftime("%Y%m%d") if study.study_date else "",
        "StudyTime": "",
        "AccessionNumber": "",
        "InstanceAvailability": ONLINE,
        "ReferringPhysicianName": "",
        "RetrieveURL": addresses.study(study.study_instance_uid),
        "StudyDescription": study.description[:64],
        "PatientName": study.patient.pseudonym,
        "PatientID": study.patient.pseudonym,
        "PatientBirthDate": "",
        "PatientSex": study.patient.sex,
        "PatientAge": "" if study.patient_age_years is None else f"{study.patient_age_years:03d}Y",
        "StudyInstanceUID": study.study_instance_uid,
        "StudyID": "",
    }
    return values


def series_values(series: Series, *, addresses: Addresses) -> Values:
    """Return what is known of a series and of its study."""
    return {
        **study_values(series.study, addresses=addresses),
        "RetrieveURL": addresses.series(series),
        "Modality": series.modality or DEFAULT_MODALITY,
        "SeriesInstanceUID": series.series_instance_uid,
        "SeriesNumber": series.series_number,
        "BodyPartExamined": series.body_part_examined,
        "Laterality": series.laterality,
    }


def instance_values(instance: Instance, *, addresses: Addresses) -> Values:
    """Return what is known of an instance, of its series and of its study."""
    spacing = (instance.pixel_spacing_row, instance.pixel_spacing_column)
    return {
        **series_values(instance.series, addresses=addresses),
        "RetrieveURL": addresses.instance(instance),
        "SOPClassUID": sop_class_of(instance),
        "SOPInstanceUID": instance.sop_instance_uid,
        "AvailableTransferSyntaxUID": instance.transfer_syntax_uid or str(ExplicitVRLittleEndian),
        "InstanceNumber": instance.instance_number,
        "Rows": instance.rows,
        "Columns": instance.columns,
        "BitsAllocated": 1 if instance.bits_stored == 1 else 8 if instance.bits_stored <= 8 else 16,
        "BitsStored": instance.bits_stored,
        "NumberOfFrames": instance.frame_count,
        "PhotometricInterpretation": instance.photometric_interpretation,
        "ViewPosition": instance.view_position,
        "PixelSpacing": None if None in spacing else list(spacing),
        "WindowCenter": instance.window_center,
        "WindowWidth": instance.window_width,
    }


def as_json(values: Values, *, keywords: Iterable[str]) -> dict[str, Any]:
    """Return those of the values as a DICOM JSON object (PS3.18 F.2)."""
    dataset = Dataset()
    for keyword in keywords:
        if keyword in values:
            setattr(dataset, keyword, values[keyword])
    return dataset.to_json_dict()

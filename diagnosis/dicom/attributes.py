"""The facts of a de-identified DICOM image that the database keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from pydicom.dataset import Dataset, FileDataset

from mlcore.engine.imaging.dicom_grayscale import grayscale_of
from mlcore.engine.imaging.grayscale import Grayscale
from mlcore.engine.types import ImageHeader


@dataclass(frozen=True)
class DicomAttributes:
    """Named as in DICOM; text is empty and a number None where the file does not say."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    rows: int
    columns: int
    number_of_frames: int
    bits_stored: int
    photometric_interpretation: str
    modality: str = ""
    body_part_examined: str = ""
    view_position: str = ""
    laterality: str = ""
    series_number: int | None = None
    instance_number: int | None = None
    window_center: float | None = None
    window_width: float | None = None
    pixel_spacing: tuple[float, float] | None = None
    """Row and column spacing in mm (PS3.3 10.7.1.3)."""
    patient_sex: str = ""
    patient_age_years: int | None = None
    """At most 90, which stands for all ages above 89."""
    study_date: date | None = None
    """Already moved into the past."""
    burned_in_annotation: bool = False
    """Whether the file says that its pixels hold text that may identify the patient."""


def attributes_of(dataset: FileDataset, *, header: ImageHeader) -> DicomAttributes:
    """Read the facts from a data set that is de-identified already."""
    grayscale = _grayscale(dataset, header=header)
    window = grayscale.window
    return DicomAttributes(
        study_instance_uid=str(dataset.StudyInstanceUID),
        series_instance_uid=str(dataset.SeriesInstanceUID),
        sop_instance_uid=str(dataset.SOPInstanceUID),
        sop_class_uid=str(dataset.SOPClassUID),
        transfer_syntax_uid=header.transfer_syntax_uid,
        rows=header.rows,
        columns=header.columns,
        number_of_frames=header.frame_count,
        bits_stored=header.bits_stored,
        photometric_interpretation=header.photometric_interpretation,
        modality=_text(dataset, "Modality"),
        body_part_examined=_text(dataset, "BodyPartExamined"),
        view_position=_text(dataset, "ViewPosition"),
        laterality=_text(dataset, "ImageLaterality") or _text(dataset, "Laterality"),
        series_number=_whole(dataset, "SeriesNumber"),
        instance_number=_whole(dataset, "InstanceNumber"),
        window_center=window.center if window else None,
        window_width=window.width if window else None,
        pixel_spacing=grayscale.pixel_spacing,
        patient_sex=_text(dataset, "PatientSex"),
        study_date=date_of(_text(dataset, "StudyDate")),
        patient_age_years=age_in_years(_text(dataset, "PatientAge")),
        burned_in_annotation=_text(dataset, "BurnedInAnnotation") == "YES",
    )


def age_in_years(age: str) -> int | None:
    """Return whole years of a DICOM age string such as '045Y' or '018M' (PS3.5 6.2)."""
    units = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
    if len(age) != 4 or not (age[:3].isascii() and age[:3].isdigit()) or age[3] not in units:
        return None
    return int(int(age[:3]) * units[age[3]] + 1e-9)


def date_of(text: str) -> date | None:
    """Return the date of a DICOM date such as '20240229' (PS3.5 6.2), or None where it is none."""
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _grayscale(dataset: FileDataset, *, header: ImageHeader) -> Grayscale:
    return grayscale_of(dataset, header=header, index=header.frame_count // 2)


def _text(dataset: Dataset, keyword: str) -> str:
    return str(dataset.get(keyword) or "")


def _whole(dataset: Dataset, keyword: str) -> int | None:
    value: Any = dataset.get(keyword)
    return None if value in (None, "") else int(value)

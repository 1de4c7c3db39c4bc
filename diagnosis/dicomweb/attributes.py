"""The attributes that can be searched for and returned (PS3.18 10.6.3.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Level(IntEnum):
    """What a search returns one row for."""

    STUDY = 0
    SERIES = 1
    INSTANCE = 2


class Kind(StrEnum):
    """How a value is matched (PS3.4 C.2.2.2)."""

    UID = "uid"
    TEXT = "text"
    NAME = "name"
    DATE = "date"
    INTEGER = "integer"
    MODALITY = "modality"
    MODALITIES = "modalities"
    SOP_CLASS = "sop class"
    EMPTY = "empty"
    """Identity that is not kept: it is always without a value."""
    SHOWN = "shown"
    """Returned, and not matched."""


@dataclass(frozen=True)
class Attribute:
    """One attribute; `field` is its column at its level."""

    level: Level
    kind: Kind
    field: str = ""
    default: bool = True
    """Whether it is returned without being asked for."""


def _study(kind: Kind, field: str = "", *, default: bool = True) -> Attribute:
    return Attribute(Level.STUDY, kind, field, default)


def _series(kind: Kind, field: str = "", *, default: bool = True) -> Attribute:
    return Attribute(Level.SERIES, kind, field, default)


def _instance(kind: Kind, field: str = "", *, default: bool = True) -> Attribute:
    return Attribute(Level.INSTANCE, kind, field, default)


ATTRIBUTES: Mapping[str, Attribute] = {
    "StudyDate": _study(Kind.DATE, "study_date"),
    "StudyTime": _study(Kind.EMPTY),
    "AccessionNumber": _study(Kind.EMPTY),
    "ModalitiesInStudy": _study(Kind.MODALITIES),
    "ReferringPhysicianName": _study(Kind.EMPTY),
    "PatientName": _study(Kind.NAME, "patient__pseudonym"),
    "PatientID": _study(Kind.TEXT, "patient__pseudonym"),
    "PatientBirthDate": _study(Kind.EMPTY),
    "PatientSex": _study(Kind.TEXT, "patient__sex"),
    "StudyInstanceUID": _study(Kind.UID, "study_instance_uid"),
    "StudyID": _study(Kind.EMPTY),
    "NumberOfStudyRelatedSeries": _study(Kind.SHOWN),
    "NumberOfStudyRelatedInstances": _study(Kind.SHOWN),
    "StudyDescription": _study(Kind.TEXT, "description", default=False),
    "PatientAge": _study(Kind.SHOWN, default=False),
    "Modality": _series(Kind.MODALITY, "modality"),
    "SeriesInstanceUID": _series(Kind.UID, "series_instance_uid"),
    "SeriesNumber": _series(Kind.INTEGER, "series_number"),
    "NumberOfSeriesRelatedInstances": _series(Kind.SHOWN),
    "BodyPartExamined": _series(Kind.TEXT, "body_part_examined", default=False),
    "Laterality": _series(Kind.TEXT, "laterality", default=False),
    "SOPClassUID": _instance(Kind.SOP_CLASS, "sop_class_uid"),
    "SOPInstanceUID": _instance(Kind.UID, "sop_instance_uid"),
    "InstanceNumber": _instance(Kind.INTEGER, "instance_number"),
    "AvailableTransferSyntaxUID": _instance(Kind.SHOWN),
    "Rows": _instance(Kind.INTEGER, "rows"),
    "Columns": _instance(Kind.INTEGER, "columns"),
    "BitsAllocated": _instance(Kind.SHOWN),
    "NumberOfFrames": _instance(Kind.INTEGER, "frame_count"),
    "BitsStored": _instance(Kind.INTEGER, "bits_stored", default=False),
    "PhotometricInterpretation": _instance(Kind.TEXT, "photometric_interpretation", default=False),
    "ViewPosition": _instance(Kind.TEXT, "view_position", default=False),
    "PixelSpacing": _instance(Kind.SHOWN, default=False),
    "WindowCenter": _instance(Kind.SHOWN, default=False),
    "WindowWidth": _instance(Kind.SHOWN, default=False),
    "RetrieveURL": _study(Kind.SHOWN),
    "InstanceAvailability": _study(Kind.SHOWN),
}

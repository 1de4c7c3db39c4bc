"""What a report says, whatever format it is written in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

LOCAL_SCHEME = "99MEDIMAGING"
"""Coding scheme of what no standard has a code for (PS3.16 8)."""
NOTICE = "Preliminary output of a model. Not for stand-alone clinical decisions. Does not rule out disease."
LONGEST_MEANING = 64


@dataclass(frozen=True)
class Coding:
    """A coded term; `scheme` is SCT, RADLEX or the local one."""

    scheme: str
    value: str
    meaning: str

    @property
    def short_meaning(self) -> str:
        """Return the meaning in the 64 characters that DICOM has for it."""
        return self.meaning[:LONGEST_MEANING]


@dataclass(frozen=True)
class ImageReference:
    """An image of the study."""

    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    modality: str
    rows: int
    columns: int
    frame_count: int
    instance_number: int | None = None
    series_number: int | None = None


@dataclass(frozen=True)
class Model:
    """The model version that answered."""

    name: str
    version: str
    architecture: str
    artifact_sha256: str

    @property
    def uid(self) -> str:
        """Return the UID of the device that the model is; it follows from the artifact."""
        return f"2.25.{uuid.UUID(hex=self.artifact_sha256[:32], version=5).int}"


@dataclass(frozen=True)
class ModelFinding:
    """The model's answer for one condition."""

    id: str
    condition: Coding
    probability: float
    operating_point: float

    @property
    def suggested(self) -> bool:
        """Tell whether the probability reaches the operating point."""
        return self.probability >= self.operating_point


@dataclass(frozen=True)
class ModelAnswer:
    """The model's answer for one image; without findings where it was withheld."""

    id: str
    image: ImageReference
    frame_index: int | None
    answered_at: datetime
    findings: tuple[ModelFinding, ...] = ()
    withheld_message: str = ""


class VerdictValue(StrEnum):
    """What a reader says of a condition."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"


VERDICT_CODES = {
    VerdictValue.PRESENT: Coding("SCT", "52101004", "Present"),
    VerdictValue.ABSENT: Coding("SCT", "2667000", "Absent"),
    VerdictValue.UNCERTAIN: Coding("SCT", "82334004", "Indeterminate"),
}


@dataclass(frozen=True)
class ReaderVerdict:
    """A reader's verdict on one condition."""

    id: str
    condition: Coding
    verdict: VerdictValue


@dataclass(frozen=True)
class SignedReview:
    """The signed review that stands; what is free text is left out, because it may name somebody."""

    id: str
    reader_id: str
    reader_name: str
    signed_at: datetime
    amends: bool
    verdicts: tuple[ReaderVerdict, ...]


class ReportStatus(StrEnum):
    """How far the report is, in the words of FHIR's DiagnosticReport.status."""

    REGISTERED = "registered"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"


@dataclass(frozen=True)
class ReportFacts:
    """What is reported of one study."""

    study_id: str
    study_instance_uid: str
    examination: Coding
    patient_id: str
    patient: str
    """The pseudonym."""
    patient_sex: str
    patient_age_years: int | None
    study_date: date | None
    images: tuple[ImageReference, ...]
    series_instance_uid: str
    """Of the series of reports, as the two that follow."""
    sop_instance_uid: str
    predecessor_uid: str = ""
    model: Model | None = None
    answers: tuple[ModelAnswer, ...] = ()
    review: SignedReview | None = None

    @property
    def status(self) -> ReportStatus:
        """Return how far the report is: what a model says stays preliminary until a reader has signed."""
        if self.review is not None:
            return ReportStatus.AMENDED if self.review.amends else ReportStatus.FINAL
        return ReportStatus.PRELIMINARY if self.answers else ReportStatus.REGISTERED

    @property
    def issued_at(self) -> datetime | None:
        """Return when the latest of what is reported was said."""
        said = [answer.answered_at for answer in self.answers]
        return max([*said, *([self.review.signed_at] if self.review else [])], default=None)

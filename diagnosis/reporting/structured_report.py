"""Write a report as a DICOM Structured Report after TID 1500 (PS3.16 A, Measurement Report)."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO

from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    DeviceObserverIdentifyingAttributes,
    EnhancedSR,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    QualitativeEvaluation,
    SourceImageForMeasurementGroup,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.sr.codedict import codes
from pydicom.uid import EnhancedSRStorage
from pydicom.valuerep import DA, DT, TM

from diagnosis.reporting.facts import (
    LOCAL_SCHEME,
    VERDICT_CODES,
    Coding,
    ImageReference,
    ModelAnswer,
    ModelFinding,
    ReportFacts,
    SignedReview,
)

MANUFACTURER = "medimaging"
SERIES_NUMBER = 9000
SERIES_DESCRIPTION = "Findings, not for stand-alone clinical decisions"
RESULT = Coding(LOCAL_SCHEME, "model-result", "Result of the model")
SUGGESTED = Coding(LOCAL_SCHEME, "suggested", "Suggested")
NOT_SUGGESTED = Coding(LOCAL_SCHEME, "not-suggested", "Not suggested")
WITHHELD = Coding(LOCAL_SCHEME, "withheld", "Withheld")
VERDICT = Coding(LOCAL_SCHEME, "reader-verdict", "Verdict of the reader")

Group = MeasurementsAndQualitativeEvaluations
logging.getLogger("highdicom").setLevel(logging.WARNING)


def structured_report(facts: ReportFacts) -> bytes:
    """Return the report as a DICOM file.

    PRELIMINARY and UNVERIFIED until a reader has signed; then FINAL and
    VERIFIED, with the document that it replaces as its predecessor. The same
    facts give the same bytes.
    """
    review = facts.review
    report = MeasurementReport(
        observation_context=_observers(facts),
        procedure_reported=_concept(facts.examination),
        imaging_measurements=[*_model_groups(facts), *_reader_groups(facts)],
    )
    document = EnhancedSR(
        evidence=[_evidence(facts, image) for image in facts.images],
        content=report[0],
        series_instance_uid=facts.series_instance_uid,
        series_number=SERIES_NUMBER,
        sop_instance_uid=facts.sop_instance_uid,
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=review is not None,
        is_verified=review is not None,
        verifying_observer_name=_person_name(review.reader_name) if review else None,
        verifying_organization=MANUFACTURER if review else None,
        previous_versions=[_predecessor(facts)] if facts.predecessor_uid else None,
        series_description=SERIES_DESCRIPTION,
        specific_character_set="ISO_IR 192",
    )
    _state_times(document, facts)
    file = BytesIO()
    dcmwrite(file, document, enforce_file_format=True)
    return file.getvalue()


def _observers(facts: ReportFacts) -> ObservationContext:
    person = device = None
    if facts.review is not None:
        person = ObserverContext(
            observer_type=codes.DCM.Person,
            observer_identifying_attributes=PersonObserverIdentifyingAttributes(
                name=_person_name(facts.review.reader_name)
            ),
        )
    if facts.model is not None:
        device = ObserverContext(
            observer_type=codes.DCM.Device,
            observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
                uid=facts.model.uid,
                name=facts.model.name,
                manufacturer_name=MANUFACTURER,
                model_name=facts.model.architecture,
                serial_number=facts.model.version,
            ),
        )
    return ObservationContext(observer_person_context=person, observer_device_context=device)


def _model_groups(facts: ReportFacts) -> Iterator[Group]:
    for answer in facts.answers:
        if not answer.findings:
            yield _withheld_group(facts, answer)
        for finding in answer.findings:
            yield _finding_group(facts, answer, finding)


def _finding_group(facts: ReportFacts, answer: ModelAnswer, finding: ModelFinding) -> Group:
    return Group(
        tracking_identifier=_tracking(facts, finding.id, f"Model: {finding.condition.meaning}"),
        finding_type=_concept(finding.condition),
        algorithm_id=_algorithm(facts),
        measurements=[
            Measurement(codes.DCM.Probability, finding.probability, codes.UCUM.NoUnits),
            Measurement(codes.DCM.CADOperatingPoint, finding.operating_point, codes.UCUM.NoUnits),
        ],
        qualitative_evaluations=[
            QualitativeEvaluation(
                _concept(RESULT), _concept(SUGGESTED if finding.suggested else NOT_SUGGESTED)
            )
        ],
        source_images=[_source(answer)],
    )


def _withheld_group(facts: ReportFacts, answer: ModelAnswer) -> Group:
    return Group(
        tracking_identifier=_tracking(facts, answer.id, "Model: no result is given for this image"),
        algorithm_id=_algorithm(facts),
        qualitative_evaluations=[QualitativeEvaluation(_concept(RESULT), _concept(WITHHELD))],
        source_images=[_source(answer)],
    )


def _reader_groups(facts: ReportFacts) -> Iterator[Group]:
    review: SignedReview | None = facts.review
    for given in review.verdicts if review else ():
        yield Group(
            tracking_identifier=_tracking(facts, given.id, f"Reader: {given.condition.meaning}"),
            finding_type=_concept(given.condition),
            qualitative_evaluations=[
                QualitativeEvaluation(_concept(VERDICT), _concept(VERDICT_CODES[given.verdict]))
            ],
        )


def _algorithm(facts: ReportFacts) -> AlgorithmIdentification | None:
    if facts.model is None:
        return None
    return AlgorithmIdentification(
        name=facts.model.name, version=facts.model.version, manufacturer=MANUFACTURER
    )


def _tracking(facts: ReportFacts, key: str, text: str) -> TrackingIdentifier:
    digest = hashlib.sha256(f"{facts.study_instance_uid} {key}".encode()).digest()
    uid = f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"
    return TrackingIdentifier(uid=uid, identifier=text)


def _source(answer: ModelAnswer) -> SourceImageForMeasurementGroup:
    frames = None
    if answer.image.frame_count > 1 and answer.frame_index is not None:
        frames = [answer.frame_index + 1]
    return SourceImageForMeasurementGroup(
        answer.image.sop_class_uid, answer.image.sop_instance_uid, referenced_frame_numbers=frames
    )


def _evidence(facts: ReportFacts, image: ImageReference) -> Dataset:
    """Return of an image what a report says of it, of its study and of the patient."""
    dataset = Dataset()
    dataset.SOPClassUID = image.sop_class_uid
    dataset.SOPInstanceUID = image.sop_instance_uid
    dataset.StudyInstanceUID = facts.study_instance_uid
    dataset.SeriesInstanceUID = image.series_instance_uid
    dataset.Modality = image.modality
    dataset.Rows, dataset.Columns = image.rows, image.columns
    dataset.PatientID = facts.patient
    dataset.PatientName = f"{facts.patient}^"  # highdicom doubts a name of one component
    dataset.PatientSex = facts.patient_sex
    dataset.StudyDate = facts.study_date.strftime("%Y%m%d") if facts.study_date else ""
    if facts.patient_age_years is not None:
        dataset.PatientAge = f"{facts.patient_age_years:03d}Y"
    for keyword in ("AccessionNumber", "PatientBirthDate", "ReferringPhysicianName", "StudyID", "StudyTime"):
        setattr(dataset, keyword, "")
    return dataset


def _predecessor(facts: ReportFacts) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = EnhancedSRStorage
    dataset.SOPInstanceUID = facts.predecessor_uid
    dataset.StudyInstanceUID = facts.study_instance_uid
    dataset.SeriesInstanceUID = facts.series_instance_uid
    return dataset


def _state_times(document: EnhancedSR, facts: ReportFacts) -> None:
    """Say when the findings were made, not when the file was written."""
    issued = (facts.issued_at or datetime.fromtimestamp(0, UTC)).astimezone(UTC)
    document.ContentDate = document.InstanceCreationDate = DA(issued.date())
    document.ContentTime = document.InstanceCreationTime = TM(issued.time())
    document.TimezoneOffsetFromUTC = "+0000"
    document.PatientName = facts.patient
    document.PatientIdentityRemoved = "YES"
    document.DeidentificationMethod = "Pseudonyms by keyed hash"
    for equipment in document.ContributingEquipmentSequence:
        equipment.ContributionDateTime = DT(issued)
    if facts.review is not None:
        signed = facts.review.signed_at.astimezone(UTC)
        document.VerifyingObserverSequence[0].VerificationDateTime = DT(signed)


def _concept(coding: Coding) -> CodedConcept:
    return CodedConcept(coding.value, coding.scheme, coding.short_meaning)


def _person_name(name: str) -> str:
    """Return a full name in DICOM's order, the last word taken for the family name (PS3.5 6.2.1)."""
    words = name.replace("^", " ").replace("=", " ").replace("\\", " ").split() or ["Reader"]
    return f"{words[-1]}^{' '.join(words[:-1])}"[:64]

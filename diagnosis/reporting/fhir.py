"""Write a report as a FHIR R4 Bundle: DiagnosticReport, ImagingStudy, Observations and who made them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from diagnosis.reporting.facts import NOTICE, ImageReference, ModelAnswer, ReportFacts, VerdictValue
from diagnosis.reporting.fhir_observations import model_observations, reader_observations
from diagnosis.reporting.fhir_types import (
    HL7,
    Resource,
    coding_of,
    concept,
    id_of,
    instant,
    reference,
    subject,
    uid_identifier,
)

PSEUDONYM_SYSTEM = "urn:medimaging:pseudonym"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
GENDERS = {"F": "female", "M": "male", "O": "other", "": "unknown"}


def fhir_bundle(facts: ReportFacts, *, dicomweb: str) -> Resource:
    """Return the report as a collection; `dicomweb` is the address of the images' service.

    What the model says is `preliminary` and stays so. Once a reader has signed,
    the results of the report are the reader's, `final` or `amended`, each derived
    from what the model had said of the same condition.
    """
    resources = [
        _report(facts),
        _imaging_study(facts, dicomweb=dicomweb),
        _patient(facts),
        *_devices(facts),
        *_practitioners(facts),
        *model_observations(facts),
        *reader_observations(facts),
    ]
    bundle: Resource = {
        "resourceType": "Bundle",
        "id": id_of(facts.sop_instance_uid),
        "type": "collection",
        "identifier": uid_identifier(facts.sop_instance_uid),
        "entry": [{"fullUrl": f"urn:uuid:{entry['id']}", "resource": entry} for entry in resources],
    }
    if facts.issued_at is not None:
        bundle["timestamp"] = instant(facts.issued_at)
    return bundle


def _report(facts: ReportFacts) -> Resource:
    loinc = {"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}
    report: Resource = {
        "resourceType": "DiagnosticReport",
        "id": id_of(facts.study_id, "report"),
        "identifier": [uid_identifier(facts.sop_instance_uid)],
        "status": facts.status.value,
        "category": [{"coding": [{"system": f"{HL7}/v2-0074", "code": "RAD", "display": "Radiology"}]}],
        "code": {"coding": [loinc, coding_of(facts.examination)], "text": facts.examination.meaning},
        "subject": subject(facts),
        "imagingStudy": [reference(facts.study_id, "imaging")],
        "conclusion": _conclusion(facts),
    }
    if facts.study_date is not None:
        report["effectiveDateTime"] = facts.study_date.isoformat()
    if facts.issued_at is not None:
        report["issued"] = instant(facts.issued_at)
    if facts.review is not None:
        report["resultsInterpreter"] = [reference(facts.review.reader_id, "reader")]
        report["result"] = [reference(given.id, "verdict") for given in facts.review.verdicts]
        present = [given for given in facts.review.verdicts if given.verdict == VerdictValue.PRESENT]
        if present:
            report["conclusionCode"] = [concept(given.condition) for given in present]
    elif facts.answers:
        report["result"] = [reference(key, "model") for answer in facts.answers for key in _keys(answer)]
    return report


def _conclusion(facts: ReportFacts) -> str:
    if facts.review is None:
        return NOTICE
    said = "; ".join(f"{given.condition.meaning}: {given.verdict.value}" for given in facts.review.verdicts)
    return f"Signed review. {said}."


def _imaging_study(facts: ReportFacts, *, dicomweb: str) -> Resource:
    series: defaultdict[str, list[ImageReference]] = defaultdict(list)
    for image in facts.images:
        series[image.series_instance_uid].append(image)
    study: Resource = {
        "resourceType": "ImagingStudy",
        "id": id_of(facts.study_id, "imaging"),
        "contained": [_endpoint(dicomweb)],
        "identifier": [uid_identifier(facts.study_instance_uid)],
        "status": "available",
        "subject": subject(facts),
        "endpoint": [{"reference": "#wado"}],
        "numberOfSeries": len(series),
        "numberOfInstances": len(facts.images),
        "series": [_series(uid, images) for uid, images in series.items()],
    }
    if facts.study_date is not None:
        study["started"] = facts.study_date.isoformat()
    return study


def _endpoint(dicomweb: str) -> Resource:
    return {
        "resourceType": "Endpoint",
        "id": "wado",
        "status": "active",
        "connectionType": {"system": f"{HL7}/endpoint-connection-type", "code": "dicom-wado-rs"},
        "payloadType": [{"text": "DICOM WADO-RS"}],
        "payloadMimeType": ["application/dicom"],
        "address": dicomweb,
    }


def _series(uid: str, images: list[ImageReference]) -> Resource:
    described: Resource = {
        "uid": uid,
        "modality": {"system": DCM, "code": images[0].modality},
        "numberOfInstances": len(images),
        "instance": [_instance(image) for image in images],
    }
    if images[0].series_number is not None and images[0].series_number >= 0:
        described["number"] = images[0].series_number
    return described


def _instance(image: ImageReference) -> Resource:
    described: Resource = {
        "uid": image.sop_instance_uid,
        "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{image.sop_class_uid}"},
    }
    if image.instance_number is not None and image.instance_number >= 0:
        described["number"] = image.instance_number
    return described


def _patient(facts: ReportFacts) -> Resource:
    return {
        "resourceType": "Patient",
        "id": id_of(facts.patient_id, "patient"),
        "identifier": [{"system": PSEUDONYM_SYSTEM, "value": facts.patient}],
        "gender": GENDERS[facts.patient_sex],
    }


def _devices(facts: ReportFacts) -> Iterator[Resource]:
    if facts.model is not None:
        yield {
            "resourceType": "Device",
            "id": id_of(facts.model.artifact_sha256, "device"),
            "identifier": [
                {"system": "urn:medimaging:artifact-sha256", "value": facts.model.artifact_sha256}
            ],
            "manufacturer": "medimaging",
            "deviceName": [{"name": facts.model.name, "type": "model-name"}],
            "modelNumber": facts.model.architecture,
            "version": [{"value": facts.model.version}],
            "type": {"text": "Image classification model"},
        }


def _practitioners(facts: ReportFacts) -> Iterator[Resource]:
    if facts.review is not None:
        yield {
            "resourceType": "Practitioner",
            "id": id_of(facts.review.reader_id, "reader"),
            "name": [{"text": facts.review.reader_name}],
        }


def _keys(answer: ModelAnswer) -> list[str]:
    return [finding.id for finding in answer.findings] or [answer.id]

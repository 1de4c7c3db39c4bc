"""Write a report as a FHIR R4 Bundle: DiagnosticReport, ImagingStudy, Observations and who made them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from diagnosis.reporting.facts import (
    LOCAL_SCHEME,
    NOTICE,
    VERDICT_CODES,
    Coding,
    ImageReference,
    ModelAnswer,
    ModelFinding,
    ReaderVerdict,
    ReportFacts,
    VerdictValue,
)

Resource = dict[str, Any]
SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "RADLEX": "urn:oid:2.16.840.1.113883.6.256",
    LOCAL_SCHEME: "urn:medimaging:code",
}
PSEUDONYM_SYSTEM = "urn:medimaging:pseudonym"
HL7 = "http://terminology.hl7.org/CodeSystem"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
GENDERS = {"F": "female", "M": "male", "O": "other", "": "unknown"}
_NAMES = uuid.UUID("0f0c1d52-6a56-4f0e-8d7c-2f6d4b7f6b02")


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
        *_model_observations(facts),
        *_reader_observations(facts),
    ]
    bundle: Resource = {
        "resourceType": "Bundle",
        "id": _id(facts.sop_instance_uid),
        "type": "collection",
        "identifier": _uid_identifier(facts.sop_instance_uid),
        "entry": [{"fullUrl": f"urn:uuid:{entry['id']}", "resource": entry} for entry in resources],
    }
    if facts.issued_at is not None:
        bundle["timestamp"] = _instant(facts.issued_at)
    return bundle


def _report(facts: ReportFacts) -> Resource:
    loinc = {"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}
    report: Resource = {
        "resourceType": "DiagnosticReport",
        "id": _id(facts.study_id, "report"),
        "identifier": [_uid_identifier(facts.sop_instance_uid)],
        "status": facts.status.value,
        "category": [{"coding": [{"system": f"{HL7}/v2-0074", "code": "RAD", "display": "Radiology"}]}],
        "code": {"coding": [loinc, _coding(facts.examination)], "text": facts.examination.meaning},
        "subject": _subject(facts),
        "imagingStudy": [_reference(facts.study_id, "imaging")],
        "conclusion": _conclusion(facts),
    }
    if facts.study_date is not None:
        report["effectiveDateTime"] = facts.study_date.isoformat()
    if facts.issued_at is not None:
        report["issued"] = _instant(facts.issued_at)
    if facts.review is not None:
        report["resultsInterpreter"] = [_reference(facts.review.reader_id, "reader")]
        report["result"] = [_reference(given.id, "verdict") for given in facts.review.verdicts]
        present = [given for given in facts.review.verdicts if given.verdict == VerdictValue.PRESENT]
        if present:
            report["conclusionCode"] = [_concept(given.condition) for given in present]
    elif facts.answers:
        report["result"] = [_reference(key, "model") for answer in facts.answers for key in _keys(answer)]
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
        "id": _id(facts.study_id, "imaging"),
        "contained": [_endpoint(dicomweb)],
        "identifier": [_uid_identifier(facts.study_instance_uid)],
        "status": "available",
        "subject": _subject(facts),
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
        "id": _id(facts.patient_id, "patient"),
        "identifier": [{"system": PSEUDONYM_SYSTEM, "value": facts.patient}],
        "gender": GENDERS[facts.patient_sex],
    }


def _devices(facts: ReportFacts) -> Iterator[Resource]:
    if facts.model is not None:
        yield {
            "resourceType": "Device",
            "id": _id(facts.model.artifact_sha256, "device"),
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
            "id": _id(facts.review.reader_id, "reader"),
            "name": [{"text": facts.review.reader_name}],
        }


def _model_observations(facts: ReportFacts) -> Iterator[Resource]:
    for answer in facts.answers:
        for finding in answer.findings:
            yield {**_model_observation(facts, answer, finding.id), **_probability(finding)}
        if not answer.findings:
            absent = {"system": f"{HL7}/data-absent-reason", "code": "not-performed"}
            yield {
                **_model_observation(facts, answer, answer.id),
                "code": {"text": "Result of the model"},
                "dataAbsentReason": {"coding": [absent], "text": answer.withheld_message or "Withheld"},
            }


def _model_observation(facts: ReportFacts, answer: ModelAnswer, key: str) -> Resource:
    observation = {
        **_observation(facts, _id(key, "model"), status="preliminary", issued=answer.answered_at),
        "note": [{"text": NOTICE}],
    }
    if facts.model is not None:
        observation["device"] = _reference(facts.model.artifact_sha256, "device")
    return observation


def _probability(finding: ModelFinding) -> Resource:
    word = "Suggested" if finding.suggested else "Not suggested"
    code = {"system": SYSTEMS[LOCAL_SCHEME], "code": word.lower().replace(" ", "-"), "display": word}
    return {
        "code": _concept(finding.condition),
        "valueQuantity": _ratio(finding.probability),
        "interpretation": [{"coding": [code], "text": word}],
        "referenceRange": [{"low": _ratio(finding.operating_point), "text": "Suggested from this value on"}],
    }


def _ratio(value: float) -> Resource:
    return {
        "value": round(value, 6),
        "unit": "probability",
        "system": "http://unitsofmeasure.org",
        "code": "1",
    }


def _reader_observations(facts: ReportFacts) -> Iterator[Resource]:
    review = facts.review
    if review is None:
        return
    for given in review.verdicts:
        observation = {
            **_observation(
                facts,
                _id(given.id, "verdict"),
                status=facts.status.value,
                issued=review.signed_at,
            ),
            "code": _concept(given.condition),
            "valueCodeableConcept": _concept(VERDICT_CODES[given.verdict]),
            "performer": [_reference(review.reader_id, "reader")],
        }
        observation["derivedFrom"] += _answers_on(facts, given)
        yield observation


def _answers_on(facts: ReportFacts, given: ReaderVerdict) -> list[Resource]:
    return [
        _reference(finding.id, "model")
        for answer in facts.answers
        for finding in answer.findings
        if finding.condition == given.condition
    ]


def _observation(facts: ReportFacts, id: str, *, status: str, issued: datetime) -> Resource:
    category = {"system": f"{HL7}/observation-category", "code": "imaging", "display": "Imaging"}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": status,
        "category": [{"coding": [category]}],
        "subject": _subject(facts),
        "issued": _instant(issued),
        "derivedFrom": [_reference(facts.study_id, "imaging")],
    }


def _keys(answer: ModelAnswer) -> list[str]:
    return [finding.id for finding in answer.findings] or [answer.id]


def _subject(facts: ReportFacts) -> Resource:
    return _reference(facts.patient_id, "patient")


def _concept(coding: Coding) -> Resource:
    return {"coding": [_coding(coding)], "text": coding.meaning}


def _coding(coding: Coding) -> Resource:
    return {
        "system": SYSTEMS.get(coding.scheme, SYSTEMS[LOCAL_SCHEME]),
        "code": coding.value,
        "display": coding.meaning,
    }


def _uid_identifier(uid: str) -> Resource:
    return {"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}


def _reference(key: str, kind: str) -> Resource:
    return {"reference": f"urn:uuid:{_id(key, kind)}"}


def _id(key: str, kind: str = "") -> str:
    """Return the id of a resource; it follows from what the resource is about."""
    return str(uuid.uuid5(_NAMES, f"{kind} {key}"))


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

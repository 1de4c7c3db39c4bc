"""What the resources of a FHIR report are put together from: codes, references, moments."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from diagnosis.reporting.facts import LOCAL_SCHEME, Coding, ReportFacts

Resource = dict[str, Any]
SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "RADLEX": "urn:oid:2.16.840.1.113883.6.256",
    LOCAL_SCHEME: "urn:medimaging:code",
}
HL7 = "http://terminology.hl7.org/CodeSystem"
_NAMES = uuid.UUID("0f0c1d52-6a56-4f0e-8d7c-2f6d4b7f6b02")


def subject(facts: ReportFacts) -> Resource:
    """Return the reference to the patient."""
    return reference(facts.patient_id, "patient")


def concept(coding: Coding) -> Resource:
    """Return a code with its meaning as text."""
    return {"coding": [coding_of(coding)], "text": coding.meaning}


def coding_of(coding: Coding) -> Resource:
    """Return a code of a known system, or of the installation's own."""
    return {
        "system": SYSTEMS.get(coding.scheme, SYSTEMS[LOCAL_SCHEME]),
        "code": coding.value,
        "display": coding.meaning,
    }


def uid_identifier(uid: str) -> Resource:
    """Return a DICOM UID as an identifier."""
    return {"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}


def reference(key: str, kind: str) -> Resource:
    """Return the reference to the resource of that kind about `key`."""
    return {"reference": f"urn:uuid:{id_of(key, kind)}"}


def id_of(key: str, kind: str = "") -> str:
    """Return the id of a resource; it follows from what the resource is about."""
    return str(uuid.uuid5(_NAMES, f"{kind} {key}"))


def instant(moment: datetime) -> str:
    """Return a moment as FHIR writes it, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

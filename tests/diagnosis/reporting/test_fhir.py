"""A report is a FHIR Bundle that a library of the standard accepts."""

import json
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from diagnosis.reporting.facts import ReportFacts, SignedReview
from diagnosis.reporting.fhir import fhir_bundle
from tests.diagnosis.reporting.test_structured_report import REVIEW, facts

AMENDED = SignedReview(**{**REVIEW.__dict__, "amends": True})


def resources(given: ReportFacts) -> dict[str, list[dict[str, Any]]]:
    """Return the resources of the bundle by their type, once the library has accepted it as it is."""
    bundle = fhir_bundle(given, dicomweb="https://example.org/dicomweb")
    checked = Bundle.model_validate(bundle)
    assert json.loads(checked.model_dump_json()) == json.loads(json.dumps(bundle))
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in bundle["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"answers": (), "model": None}, "registered"),
        ({}, "preliminary"),
        ({"review": REVIEW}, "final"),
        ({"review": AMENDED, "predecessor_uid": "2.25.7"}, "amended"),
    ],
)
def test_the_report_is_preliminary_until_signed_then_final_then_amended(
    changes: dict[str, Any], status: str
) -> None:
    found = resources(facts(**changes, study_date=date(2020, 2, 29)))
    (report,) = found["DiagnosticReport"]
    assert report["status"] == status
    assert report["effectiveDateTime"] == "2020-02-29"


def test_every_reference_leads_to_a_resource_of_the_bundle() -> None:
    bundle = fhir_bundle(facts(review=REVIEW), dicomweb="https://example.org/dicomweb")
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    assert len(urls) == len(bundle["entry"])

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["reference"]] if "reference" in value else []
            return own + [found for inner in value.values() for found in references(inner)]
        return [found for inner in value for found in references(inner)] if isinstance(value, list) else []

    named = set(references(bundle)) - {"#wado"}
    assert len(named) > 5
    assert named <= urls


def test_what_the_model_says_stays_preliminary_when_the_reader_has_signed() -> None:
    found = resources(facts(review=REVIEW))
    by_model = [item for item in found["Observation"] if "device" in item]
    by_reader = [item for item in found["Observation"] if "performer" in item]
    assert {item["status"] for item in by_model} == {"preliminary"}
    assert {item["status"] for item in by_reader} == {"final"}
    results = {result["reference"] for result in found["DiagnosticReport"][0]["result"]}
    assert results == {f"urn:uuid:{item['id']}" for item in by_reader}
    pneumonia = by_reader[0]
    assert pneumonia["code"]["coding"][0]["system"] == "http://snomed.info/sct"
    assert pneumonia["valueCodeableConcept"]["coding"][0]["code"] == "52101004"
    assert {"reference": f"urn:uuid:{by_model[0]['id']}"} in pneumonia["derivedFrom"]
    assert found["DiagnosticReport"][0]["conclusionCode"][0]["text"] == "Pneumonia"


def test_probability_operating_point_and_what_was_withheld_are_told() -> None:
    first, second, withheld = resources(facts())["Observation"]
    assert first["valueQuantity"]["value"] == 0.91
    assert first["referenceRange"][0]["low"]["value"] == 0.5
    assert first["interpretation"][0]["text"] == "Suggested"
    assert second["interpretation"][0]["text"] == "Not suggested"
    assert "valueQuantity" not in withheld
    assert withheld["dataAbsentReason"]["text"].startswith("Too far")


def test_the_images_are_named_with_where_they_can_be_had() -> None:
    found = resources(facts())
    (study,) = found["ImagingStudy"]
    assert study["identifier"] == [{"system": "urn:dicom:uid", "value": "urn:oid:2.25.1"}]
    assert study["numberOfInstances"] == 2
    assert study["contained"][0]["address"] == "https://example.org/dicomweb"
    assert found["Patient"][0]["identifier"][0]["value"] == "ABCDEFGH"
    assert set(found["Patient"][0]) == {"resourceType", "id", "identifier", "gender"}

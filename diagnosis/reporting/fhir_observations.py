"""What the model and the reader say of a study, as FHIR Observations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from diagnosis.reporting.facts import (
    LOCAL_SCHEME,
    NOTICE,
    VERDICT_CODES,
    ModelAnswer,
    ModelFinding,
    ReaderVerdict,
    ReportFacts,
)
from diagnosis.reporting.fhir_types import HL7, SYSTEMS, Resource, concept, id_of, instant, reference, subject


def model_observations(facts: ReportFacts) -> Iterator[Resource]:
    """Yield what the model says of each condition, or why it says nothing."""
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
        **_observation(facts, id_of(key, "model"), status="preliminary", issued=answer.answered_at),
        "note": [{"text": NOTICE}],
    }
    if facts.model is not None:
        observation["device"] = reference(facts.model.artifact_sha256, "device")
    return observation


def _probability(finding: ModelFinding) -> Resource:
    word = "Suggested" if finding.suggested else "Not suggested"
    code = {"system": SYSTEMS[LOCAL_SCHEME], "code": word.lower().replace(" ", "-"), "display": word}
    return {
        "code": concept(finding.condition),
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


def reader_observations(facts: ReportFacts) -> Iterator[Resource]:
    """Yield each verdict of the signed review, derived from what the model had said."""
    review = facts.review
    if review is None:
        return
    for given in review.verdicts:
        observation = {
            **_observation(
                facts,
                id_of(given.id, "verdict"),
                status=facts.status.value,
                issued=review.signed_at,
            ),
            "code": concept(given.condition),
            "valueCodeableConcept": concept(VERDICT_CODES[given.verdict]),
            "performer": [reference(review.reader_id, "reader")],
        }
        observation["derivedFrom"] += _answers_on(facts, given)
        yield observation


def _answers_on(facts: ReportFacts, given: ReaderVerdict) -> list[Resource]:
    return [
        reference(finding.id, "model")
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
        "subject": subject(facts),
        "issued": instant(issued),
        "derivedFrom": [reference(facts.study_id, "imaging")],
    }

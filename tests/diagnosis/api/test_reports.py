"""Reports over REST say what the caller may know, and to a stranger nothing."""

import io

import pytest
from pydicom import dcmread

from accounts.models import Scope, User
from diagnosis.models import Analysis, Condition, Study
from diagnosis.services.reviews import VerdictInput, amend_review, save_draft, sign_review, start_review
from tests.factories import InstanceFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

KINDS = ("report", "fhir")


@pytest.fixture
def study(answered: Analysis) -> Study:
    return answered.instance.series.study


def url(study: Study, kind: str) -> str:
    return f"/api/v1/studies/{study.pk}/{kind}"


def sign(study: Study, condition: Condition, *, by: User) -> None:
    draft = save_draft(start_review(study, by=by), by=by, verdicts=[VerdictInput(condition, "present")])
    sign_review(draft, by=by)


def test_a_report_goes_from_preliminary_to_final_to_amended(
    api: Api, reader: User, study: Study, condition: Condition
) -> None:
    client = api(reader)
    uids, states = [], []

    def look() -> None:
        file = client.get(url(study, "report"))
        assert file["Content-Type"] == "application/dicom"
        document = dcmread(io.BytesIO(file.content))
        uids.append(document.SOPInstanceUID)
        bundle = client.get(url(study, "fhir"))
        assert bundle["Content-Type"] == "application/fhir+json"
        states.append((document.PreliminaryFlag, bundle.json()["entry"][0]["resource"]["status"]))
        if states[-1][1] == "amended":
            before = document.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
            assert before.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == uids[-2]

    look()
    sign(study, condition, by=reader)
    look()
    draft = amend_review(study.reviews.get(), by=reader, reason="A second look.")
    sign_review(draft, by=reader)
    look()
    assert states == [("PRELIMINARY", "preliminary"), ("FINAL", "final"), ("FINAL", "amended")]
    assert len(set(uids)) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_blind_reader_gets_no_report_before_the_first_read_is_signed(
    api: Api, reader: User, charlie: User, study: Study, condition: Condition, kind: str
) -> None:
    reader.blind_first = True
    reader.save()
    study.readers.add(charlie)
    sign(study, condition, by=charlie)
    refusal = api(reader).get(url(study, kind))
    assert_problem(refusal, 403, "read_first")
    assert b"0.91" not in refusal.content
    assert b"Charlie" not in refusal.content
    sign(study, condition, by=reader)
    assert api(reader).get(url(study, kind)).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_gets_no_report(api: Api, charlie: User, study: Study, kind: str) -> None:
    assert_problem(api(charlie).get(url(study, kind)), 404, "not_found")
    assert_outsiders_stay_out(lambda client: client.get(url(study, kind)), api=api, scope=Scope.READ)


def test_before_anything_is_said_there_is_no_document_and_a_registered_report(
    api: Api, reader: User, condition: Condition
) -> None:
    instance = InstanceFactory.create(
        series__study__owner=reader, series__study__examination_type=condition.examination_type
    )
    study = instance.series.study
    assert_problem(api(reader).get(url(study, "report")), 409, "nothing_to_report")
    bundle = api(reader).get(url(study, "fhir")).json()
    assert bundle["entry"][0]["resource"]["status"] == "registered"


def test_no_report_names_the_patient_or_the_owner(api: Api, reader: User, study: Study) -> None:
    study.description = "Written by hand: Smithson"
    study.save()
    for kind in KINDS:
        content = api(reader).get(url(study, kind)).content
        assert study.patient.pseudonym.encode() in content
        assert b"Smithson" not in content
        assert reader.email.encode() not in content

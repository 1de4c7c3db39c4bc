"""Studies are listed, filtered, looked at and corrected."""

import pytest

from accounts.models import AuditEntry, Role, Scope, User
from diagnosis.models import Analysis, Study
from tests.factories import InstanceFactory, StudyFactory, UserFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

URL = "/api/v1/studies"
CHANGE = {"description": "Follow-up", "patient_age_years": 4, "reason": "As told by the ward."}


@pytest.fixture
def study(reader: User) -> Study:
    return StudyFactory.create(owner=reader)


def test_a_study_shows_its_latest_result_its_series_and_its_etag(
    api: Api, reader: User, answered: Analysis
) -> None:
    study = answered.instance.series.study
    response = api(reader).get(f"{URL}/{study.pk}")
    body = response.json()
    assert response["ETag"] == '"1"'
    assert body["latest_state"] == "succeeded"
    assert (body["top_condition"], body["top_probability"], body["suggested"]) == ("Pneumonia", 0.91, True)
    assert body["series"][0]["instances"] == [str(answered.instance_id)]
    assert body["owner"] == {"id": str(reader.pk), "full_name": "Rhea Reader"}
    assert body["patient"]["pseudonym"] == study.patient.pseudonym


def test_studies_are_filtered(api: Api, reader: User, answered: Analysis) -> None:
    study = answered.instance.series.study
    study.description = "Chest, standing"
    study.save(update_fields=["description"])
    StudyFactory.create(owner=reader)
    client = api(reader)
    for query in (
        f"examination_type={study.examination_type.code}",
        "state=succeeded",
        f"patient={study.patient.pseudonym}",
        f"study_instance_uid={study.study_instance_uid}",
        "description=STANDING",
        f"tab=mine&patient={study.patient.pseudonym}",
    ):
        found = client.get(f"{URL}?{query}").json()["results"]
        assert [row["id"] for row in found] == [str(study.pk)], query
    assert client.get(f"{URL}?created_before=2001-01-01T00:00:00Z").json()["results"] == []
    assert len(client.get(f"{URL}?created_from=2001-01-01T00:00:00Z").json()["results"]) == 3


def test_a_shared_study_is_seen_and_a_strangers_is_not(
    api: Api, reader: User, charlie: User, study: Study
) -> None:
    stranger = api(charlie)
    assert stranger.get(URL).json()["results"] == []
    assert_problem(stranger.get(f"{URL}/{study.pk}"), 404, "not_found")
    assert_problem(stranger.patch(f"{URL}/{study.pk}", CHANGE, HTTP_IF_MATCH='"1"'), 404, "not_found")
    study.readers.add(charlie)
    assert stranger.get(f"{URL}/{study.pk}").status_code == 200


def test_the_information_is_corrected_with_a_reason(api: Api, reader: User, study: Study) -> None:
    client = api(reader)
    response = client.patch(f"{URL}/{study.pk}", {**CHANGE, "patient_sex": "F"}, HTTP_IF_MATCH='"1"')
    assert response.status_code == 200, response.content
    body = response.json()
    assert (body["description"], body["patient_age_years"], body["patient"]["sex"]) == ("Follow-up", 4, "F")
    assert response["ETag"] == '"2"'
    assert AuditEntry.objects.get(action="study.edit").reason == CHANGE["reason"]


def test_what_was_changed_meanwhile_is_not_overwritten(api: Api, reader: User, study: Study) -> None:
    client = api(reader)
    client.patch(f"{URL}/{study.pk}", CHANGE, HTTP_IF_MATCH='"1"')
    late = client.patch(f"{URL}/{study.pk}", {**CHANGE, "description": "Other"}, HTTP_IF_MATCH='"1"')
    assert_problem(late, 412, "stale_version")
    study.refresh_from_db()
    assert study.description == "Follow-up"


@pytest.mark.parametrize("tag", ["2", "1", 'W/"1"', '"0"', "nonsense"])
def test_a_tag_that_is_not_the_studys_changes_nothing(api: Api, reader: User, study: Study, tag: str) -> None:
    assert_problem(api(reader).patch(f"{URL}/{study.pk}", CHANGE, HTTP_IF_MATCH=tag), 412, "stale_version")


def test_one_of_several_tags_is_enough_and_a_star_means_any(api: Api, reader: User, study: Study) -> None:
    client = api(reader)
    assert client.patch(f"{URL}/{study.pk}", CHANGE, HTTP_IF_MATCH='"9", "1"').status_code == 200
    other = {**CHANGE, "description": "Third"}
    assert client.patch(f"{URL}/{study.pk}", other, HTTP_IF_MATCH="*").status_code == 200


def test_a_change_without_if_match_is_428(api: Api, reader: User, study: Study) -> None:
    assert_problem(api(reader).patch(f"{URL}/{study.pk}", CHANGE), 428, "precondition_required")


@pytest.mark.parametrize(
    "wrong",
    [
        {"description": "x"},
        {"description": "x" * 201, "reason": "r"},
        {"patient_age_years": -1, "reason": "r"},
        {"patient_age_years": 10**30, "reason": "r"},
        {"patient_sex": "Q", "reason": "r"},
    ],
)
def test_information_that_cannot_be_is_refused(
    api: Api, reader: User, study: Study, wrong: dict[str, object]
) -> None:
    refused = api(reader).patch(f"{URL}/{study.pk}", wrong, HTTP_IF_MATCH='"1"')
    assert_problem(refused, 400, "invalid")


def test_an_auditor_sees_every_study_and_changes_none(api: Api, study: Study) -> None:
    auditor = api(UserFactory.create(role=Role.AUDITOR))
    assert auditor.get(f"{URL}/{study.pk}").status_code == 200
    assert_problem(auditor.patch(f"{URL}/{study.pk}", CHANGE, HTTP_IF_MATCH='"1"'), 403, "not_allowed")


def test_outsiders_see_and_change_no_study(api: Api, study: Study) -> None:
    assert_outsiders_stay_out(lambda client: client.get(f"{URL}/{study.pk}"), api=api, scope=Scope.READ)
    assert_outsiders_stay_out(
        lambda client: client.patch(f"{URL}/{study.pk}", CHANGE, HTTP_IF_MATCH='"1"'),
        api=api,
        scope=Scope.REVIEW,
    )


def test_a_study_holds_the_instances_of_all_its_series(api: Api, reader: User, study: Study) -> None:
    InstanceFactory.create_batch(2, series__study=study)
    body = api(reader).get(f"{URL}/{study.pk}").json()
    assert [len(series["instances"]) for series in body["series"]] == [1, 1]


def test_a_steward_asks_a_reader_to_read_and_asking_twice_asks_once(
    api: Api, answered: Analysis, charlie: User
) -> None:
    study = answered.instance.series.study
    steward = api(UserFactory.create(role=Role.DATA_STEWARD))
    for _ in range(2):
        assert steward.post(f"{URL}/{study.pk}/assign", {"reader": charlie.email}).status_code == 204
    assert AuditEntry.objects.filter(action="study.assign").count() == 1
    assert [row["id"] for row in api(charlie).get(f"{URL}?tab=mine").json()["results"]] == [str(study.pk)]
    assert_problem(steward.post(f"{URL}/{study.pk}/assign", {"reader": "nobody@example.org"}), 400, "invalid")


def test_others_assign_nothing(api: Api, reader: User, charlie: User, answered: Analysis) -> None:
    address = f"{URL}/{answered.instance.series.study_id}/assign"
    asked = {"reader": charlie.email}
    for caller in (reader, charlie, UserFactory.create(role=Role.AUDITOR)):
        assert_problem(api(caller).post(address, asked), 403, "not_allowed")
    assert_outsiders_stay_out(lambda client: client.post(address, asked), api=api, scope=Scope.REVIEW)

"""Conditions are listed, and proposed where they are unknown."""

import pytest

from accounts.models import AuditEntry, Role, Scope, User
from diagnosis.models import Condition, ConditionState
from mlcore.models import ExaminationType
from tests.factories import ConditionFactory, UserFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

URL = "/api/v1/conditions"


def propose(client, examination_type: ExaminationType, name: str = "Pleural  effusion"):
    return client.post(URL, {"examination_type": examination_type.code, "name": name})


def test_an_unknown_condition_is_proposed(api: Api, reader: User, examination_type: ExaminationType) -> None:
    response = propose(api(reader), examination_type)
    assert response.status_code == 201, response.content
    body = response.json()
    assert (body["code"], body["name"], body["state"]) == ("pleural-effusion", "Pleural effusion", "proposed")
    assert api(reader).get(response["Location"]).json() == body


def test_a_known_condition_is_returned(api: Api, reader: User, condition: Condition) -> None:
    response = propose(api(reader), condition.examination_type, "PNEUMONIA")
    assert response.status_code == 200
    assert response.json()["id"] == str(condition.pk)
    assert Condition.objects.count() == 1


def test_a_proposal_is_seen_by_its_proposer_alone(
    api: Api, reader: User, charlie: User, examination_type: ExaminationType
) -> None:
    proposed = propose(api(reader), examination_type).json()
    assert len(api(reader).get(URL).json()["results"]) == 1
    assert api(charlie).get(URL).json()["results"] == []
    assert_problem(api(charlie).get(f"{URL}/{proposed['id']}"), 404, "not_found")


def test_conditions_are_filtered(api: Api, reader: User, condition: Condition) -> None:
    ConditionFactory.create(examination_type=condition.examination_type, state=ConditionState.RETIRED)
    ConditionFactory.create()
    query = f"examination_type={condition.examination_type.code}&state=approved&code=pneumonia"
    assert [row["id"] for row in api(reader).get(f"{URL}?{query}").json()["results"]] == [str(condition.pk)]


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, None, ["x"]])
def test_a_name_that_is_none_is_refused(
    api: Api, reader: User, examination_type: ExaminationType, name: object
) -> None:
    refused = api(reader).post(URL, {"examination_type": examination_type.code, "name": name})
    assert_problem(refused, 400, "invalid")


def test_a_name_without_letters_is_refused(api: Api, reader: User, examination_type: ExaminationType) -> None:
    assert_problem(propose(api(reader), examination_type, "!!!"), 422, "invalid_condition")


@pytest.mark.parametrize("role", [Role.INTEGRATOR, Role.AUDITOR])
def test_only_readers_propose(api: Api, examination_type: ExaminationType, role: Role) -> None:
    assert_problem(propose(api(UserFactory.create(role=role)), examination_type), 403, "not_allowed")


def test_outsiders_read_and_propose_nothing(api: Api, condition: Condition) -> None:
    assert_outsiders_stay_out(lambda client: client.get(f"{URL}/{condition.pk}"), api=api, scope=Scope.READ)
    assert_outsiders_stay_out(
        lambda client: propose(client, condition.examination_type), api=api, scope=Scope.REVIEW
    )
    assert Condition.objects.count() == 1


@pytest.fixture
def proposed(condition: Condition, charlie: User) -> Condition:
    return ConditionFactory.create(
        examination_type=condition.examination_type, state=ConditionState.PROPOSED, proposed_by=charlie
    )


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.DATA_STEWARD])
def test_a_proposal_is_approved_and_retired(api: Api, proposed: Condition, role: str) -> None:
    client = api(UserFactory.create(role=role))
    for act, state in (("approve", "approved"), ("retire", "retired"), ("approve", "approved")):
        decided = client.post(f"{URL}/{proposed.pk}/{act}", {"reason": "As the literature says."})
        assert (decided.status_code, decided.json()["state"]) == (200, state)
    assert (
        AuditEntry.objects.filter(action="condition.approve", reason="As the literature says.").count() == 2
    )
    assert_problem(
        client.post(f"{URL}/{proposed.pk}/approve", {"reason": "Again."}), 409, "illegal_transition"
    )


def test_a_proposal_is_merged_into_what_it_is_another_name_of(
    api: Api, administrator: User, condition: Condition, proposed: Condition
) -> None:
    client = api(administrator)
    wrong = client.post(f"{URL}/{proposed.pk}/merge", {"into": str(proposed.pk), "reason": "The same."})
    assert_problem(wrong, 422, "invalid_condition")
    merged = client.post(f"{URL}/{proposed.pk}/merge", {"into": str(condition.pk), "reason": "The same."})
    assert (merged.json()["state"], merged.json()["merged_into"]) == ("merged", "pneumonia")


@pytest.mark.parametrize("act", ["approve", "retire", "merge"])
def test_readers_and_outsiders_decide_about_no_condition(
    api: Api, charlie: User, condition: Condition, proposed: Condition, act: str
) -> None:
    address = f"{URL}/{proposed.pk}/{act}"
    sent = {"reason": "I want it.", "into": str(condition.pk)}
    for user in (charlie, UserFactory.create(), UserFactory.create(role=Role.AUDITOR)):
        assert_problem(api(user).post(address, sent), 403, "not_allowed")
    assert_outsiders_stay_out(lambda client: client.post(address, sent), api=api, scope=Scope.TRAIN)
    proposed.refresh_from_db()
    assert proposed.state == ConditionState.PROPOSED


def test_a_decision_needs_a_reason(api: Api, administrator: User, proposed: Condition) -> None:
    assert_problem(api(administrator).post(f"{URL}/{proposed.pk}/approve"), 400, "invalid")

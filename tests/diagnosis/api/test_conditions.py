"""Conditions are listed, and proposed where they are unknown."""

import pytest

from accounts.models import Role, Scope, User
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

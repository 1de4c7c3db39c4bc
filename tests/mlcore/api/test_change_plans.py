"""Change control plans over REST: everybody reads them, an administrator adopts the next one."""

from typing import Any

import pytest

from accounts.models import AuditEntry, Role, Scope, User
from mlcore.models import ChangePlan, ExaminationType, LimitName
from mlcore.plans import IMPACTS, plan_in_force
from tests.factories import ExaminationTypeFactory, UserFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

URL = "/api/v1/change-plans"


@pytest.fixture
def kind(db: None) -> ExaminationType:
    return ExaminationTypeFactory.create(code="chest")


@pytest.fixture
def plan() -> dict[str, Any]:
    """Return a plan as it is sent."""
    return {
        "examination_type": "chest",
        "reason": "Heads may learn by themselves.",
        "changes": [
            {"change": "new_head", "automatic": True},
            {"change": "new_weights", "risk": "It forgets.", "mitigation": "It is measured."},
        ],
        "limits": {"auroc_margin": 0.01},
    }


def test_a_plan_is_read_in_its_three_parts(api: Api, reader: User, kind: ExaminationType) -> None:
    plan_in_force(kind)
    (body,) = api(reader).get(f"{URL}?examination_type=chest").json()["results"]
    assert (body["number"], body["adopted_by"]) == (1, None)
    assert set(body["limits"]) == set(LimitName.values)
    head = next(one for one in body["changes"] if one["change"] == "new_head")
    assert (head["risk"], head["mitigation"]) == IMPACTS["new_head"]
    assert api(reader).get(f"{URL}/{body['id']}").json() == body
    assert api(reader).get(f"{URL}?examination_type=knee").json()["results"] == []


def test_an_administrator_adopts_a_plan_and_the_one_before_stays(
    api: Api, administrator: User, kind: ExaminationType, plan: dict[str, Any]
) -> None:
    client = api(administrator)
    answer = client.post(URL, plan, format="json")
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert client.get(answer["Location"]).json() == body
    assert body["adopted_by"]["id"] == str(administrator.pk)
    assert body["limits"]["auroc_margin"] == 0.01
    assert [(one["change"], one["automatic"], one["risk"]) for one in body["changes"]] == [
        ("new_head", True, IMPACTS["new_head"][0]),
        ("new_weights", False, "It forgets."),
    ]
    assert [row["number"] for row in client.get(URL).json()["results"]] == [2, 1]
    assert plan_in_force(kind).number == 2
    assert AuditEntry.objects.filter(action="change_plan.adopt", actor=administrator).count() == 1


@pytest.mark.parametrize("role", [Role.READER, Role.DATA_STEWARD, Role.AUDITOR, Role.INTEGRATOR])
def test_nobody_else_decides_what_may_change(
    api: Api, kind: ExaminationType, plan: dict[str, Any], role: str
) -> None:
    client = api(UserFactory.create(role=role))
    assert_problem(client.post(URL, plan, format="json"), 403, "not_allowed")
    assert not ChangePlan.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"examination_type": "knee"},
        {"changes": [{"change": "new_moon"}]},
        {"changes": [{"change": "new_head"}, {"change": "new_head"}]},
        {"changes": [{"change": "new_head", "risk": "It forgets."}]},
        {"limits": {"auroc_margin": 1.5}},
        {"limits": {"auroc_margin": "nan"}},
    ],
)
def test_what_is_no_plan_is_refused(
    api: Api, administrator: User, kind: ExaminationType, plan: dict[str, Any], wrong: dict[str, Any]
) -> None:
    answer = api(administrator).post(URL, {**plan, **wrong}, format="json")
    assert answer.status_code in {400, 422}, answer.content
    assert answer.json()["code"] in {"invalid", "invalid_plan"}
    assert not ChangePlan.objects.exclude(number=1).exists()


def test_outsiders_neither_read_nor_adopt(api: Api, kind: ExaminationType) -> None:
    assert_outsiders_stay_out(lambda client: client.get(URL), api=api, scope=Scope.READ)
    assert_outsiders_stay_out(lambda client: client.post(URL, {}), api=api, scope=Scope.TRAIN)

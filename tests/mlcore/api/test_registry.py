"""Examination types and model versions: everybody reads, administrators activate."""

import pytest

from accounts.models import AuditEntry, Role, Scope, User
from mlcore.models import ModelState, ModelVersion
from tests.factories import ExaminationTypeFactory, GateReportFactory, ModelVersionFactory, UserFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

REASON = {"reason": "Better on the frozen test set."}


@pytest.fixture
def incumbent(db: None) -> ModelVersion:
    return ModelVersionFactory.create()


@pytest.fixture
def candidate(incumbent: ModelVersion) -> ModelVersion:
    candidate = ModelVersionFactory.create(
        examination_type=incumbent.examination_type,
        state=ModelState.CANDIDATE,
        classes=["pneumonia"],
        metrics={"auroc": 0.97},
        operating_points={
            "pneumonia": {
                "threshold": 0.4,
                "sensitivity": 0.95,
                "specificity": 0.9,
                "sensitivity_interval": [0.93, 0.97],
                "specificity_interval": None,
            }
        },
    )
    GateReportFactory.create(candidate=candidate, incumbent=incumbent)
    return candidate


def test_examination_types_are_listed_and_found_by_code(api: Api, reader: User) -> None:
    known = ExaminationTypeFactory.create(code="brain-mri", name="Brain MRI", modality="MR")
    client = api(reader)
    assert client.get("/api/v1/examination-types").json()["results"] == [
        client.get(f"/api/v1/examination-types/{known.code}").json()
    ]
    assert_problem(client.get("/api/v1/examination-types/knee"), 404, "not_found")


@pytest.mark.parametrize("path", ["examination-types", "examination-types/x", "model-versions"])
def test_outsiders_read_nothing_of_the_registry(api: Api, db: None, path: str) -> None:
    assert_outsiders_stay_out(lambda client: client.get(f"/api/v1/{path}"), api=api, scope=Scope.READ)


def test_a_model_version_says_what_was_measured_of_it(
    api: Api, reader: User, candidate: ModelVersion
) -> None:
    body = api(reader).get(f"/api/v1/model-versions/{candidate.pk}").json()
    assert body["operating_points"]["pneumonia"]["sensitivity"] == 0.95
    assert body["metrics"] == {"auroc": 0.97}
    assert body["artifact_sha256"] == candidate.artifact_sha256
    assert "artifact_key" not in body


def test_model_versions_are_filtered(
    api: Api, reader: User, incumbent: ModelVersion, candidate: ModelVersion
) -> None:
    ModelVersionFactory.create()
    client = api(reader)
    code = incumbent.examination_type.code
    found = client.get(f"/api/v1/model-versions?examination_type={code}&state=candidate").json()["results"]
    assert [row["id"] for row in found] == [str(candidate.pk)]


def test_an_administrator_activates_a_version_and_rolls_back(
    api: Api, administrator: User, incumbent: ModelVersion, candidate: ModelVersion
) -> None:
    client = api(administrator)
    activated = client.post(f"/api/v1/model-versions/{candidate.pk}/activate", REASON)
    assert activated.status_code == 200
    assert activated.json()["state"] == "active"
    assert client.get(f"/api/v1/model-versions/{incumbent.pk}").json()["state"] == "retired"
    assert AuditEntry.objects.get(action="model_version.activate").reason == REASON["reason"]

    client.post(f"/api/v1/model-versions/{incumbent.pk}/activate", REASON)
    assert client.get(f"/api/v1/model-versions/{candidate.pk}").json()["state"] == "retired"


def test_an_administrator_rejects_a_candidate_for_good(
    api: Api, administrator: User, incumbent: ModelVersion, candidate: ModelVersion
) -> None:
    client = api(administrator)
    rejected = client.post(f"/api/v1/model-versions/{candidate.pk}/reject", REASON)
    assert (rejected.status_code, rejected.json()["state"]) == (200, "rejected")
    assert AuditEntry.objects.get(action="model_version.reject").reason == REASON["reason"]
    again = client.post(f"/api/v1/model-versions/{candidate.pk}/activate", REASON)
    assert_problem(again, 409, "illegal_transition")
    answering = client.post(f"/api/v1/model-versions/{incumbent.pk}/reject", REASON)
    assert_problem(answering, 409, "illegal_transition")


def test_a_steward_has_a_candidate_measured_and_decides_nothing(
    api: Api, incumbent: ModelVersion, candidate: ModelVersion
) -> None:
    client = api(UserFactory.create(role=Role.DATA_STEWARD))
    measured = client.post(f"/api/v1/model-versions/{candidate.pk}/measure")
    assert (measured.status_code, measured.json()["state"]) == (202, "candidate")
    assert AuditEntry.objects.filter(action="model_version.measure").count() == 1
    assert_problem(client.post(f"/api/v1/model-versions/{incumbent.pk}/measure"), 409, "conflict")
    for act in ("reject", "activate"):
        refused = client.post(f"/api/v1/model-versions/{candidate.pk}/{act}", REASON)
        assert_problem(refused, 403, "not_allowed")


@pytest.mark.parametrize("act", ["reject", "measure"])
def test_readers_and_outsiders_neither_reject_nor_measure(
    api: Api, reader: User, candidate: ModelVersion, act: str
) -> None:
    address = f"/api/v1/model-versions/{candidate.pk}/{act}"
    assert_problem(api(reader).post(address, REASON), 403, "not_allowed")
    assert_outsiders_stay_out(lambda client: client.post(address, REASON), api=api, scope=Scope.TRAIN)


def test_a_candidate_without_a_passed_gate_is_not_activated(
    api: Api, administrator: User, incumbent: ModelVersion
) -> None:
    unmeasured = ModelVersionFactory.create(
        examination_type=incumbent.examination_type, state=ModelState.CANDIDATE
    )
    refused = api(administrator).post(f"/api/v1/model-versions/{unmeasured.pk}/activate", REASON)
    assert_problem(refused, 409, "gate_not_passed")


def test_a_roll_back_is_one_request_and_the_change_report_says_who_approved(
    api: Api, administrator: User, incumbent: ModelVersion, candidate: ModelVersion
) -> None:
    client = api(administrator)
    client.post(f"/api/v1/model-versions/{candidate.pk}/activate", REASON)
    report = client.get(f"/api/v1/model-versions/{candidate.pk}/change-report").json()
    assert report["decision"]["by"] == "Ada Administrator"
    assert report["gate"]["passed"]
    assert report["changed"]["conditions_added"] == ["pneumonia"]
    code = incumbent.examination_type.code
    back = client.post(f"/api/v1/examination-types/{code}/roll-back", REASON)
    assert (back.status_code, back.json()["id"]) == (200, str(incumbent.pk))


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMINISTRATOR])
def test_nobody_but_an_administrator_rolls_back(api: Api, incumbent: ModelVersion, role: Role) -> None:
    code = incumbent.examination_type.code
    client = api(UserFactory.create(role=role))
    assert_problem(client.post(f"/api/v1/examination-types/{code}/roll-back", REASON), 403, "not_allowed")


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMINISTRATOR])
def test_nobody_but_an_administrator_activates(api: Api, candidate: ModelVersion, role: Role) -> None:
    refused = api(UserFactory.create(role=role)).post(
        f"/api/v1/model-versions/{candidate.pk}/activate", REASON
    )
    assert_problem(refused, 403, "not_allowed")
    candidate.refresh_from_db()
    assert candidate.state == ModelState.CANDIDATE


def test_an_administrators_token_without_the_scope_activates_nothing(
    api: Api, administrator: User, candidate: ModelVersion
) -> None:
    client = api(administrator, scopes=["read", "upload", "review"])
    assert_problem(
        client.post(f"/api/v1/model-versions/{candidate.pk}/activate", REASON), 403, "insufficient_scope"
    )


def test_outsiders_activate_nothing(api: Api, candidate: ModelVersion) -> None:
    assert_outsiders_stay_out(
        lambda client: client.post(f"/api/v1/model-versions/{candidate.pk}/activate", REASON),
        api=api,
        scope=Scope.TRAIN,
    )
    candidate.refresh_from_db()
    assert candidate.state == ModelState.CANDIDATE


def test_a_rejected_version_is_never_activated(
    api: Api, administrator: User, candidate: ModelVersion
) -> None:
    candidate.transition_to(ModelState.REJECTED)
    refused = api(administrator).post(f"/api/v1/model-versions/{candidate.pk}/activate", REASON)
    assert_problem(refused, 409, "illegal_transition")


def test_an_activation_needs_a_reason(api: Api, administrator: User, candidate: ModelVersion) -> None:
    refused = api(administrator).post(f"/api/v1/model-versions/{candidate.pk}/activate", {"reason": " "})
    assert_problem(refused, 400, "invalid")

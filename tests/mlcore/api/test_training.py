"""Training runs over REST: data stewards and administrators ask, watch and cancel; nobody else sees them."""

import pytest

from accounts.models import Role, Scope, User
from mlcore.models import ExaminationType, TrainingRun, TrainingState
from tests.factories import (
    DatasetItemFactory,
    DatasetLabelFactory,
    ExaminationTypeFactory,
    GateReportFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    UserFactory,
)
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

RUNS = "/api/v1/training-runs"


@pytest.fixture
def steward(db: None) -> User:
    return UserFactory.create(role=Role.DATA_STEWARD)


@pytest.fixture
def signed(db: None) -> ExaminationType:
    """Return an examination type with a model that answers and one signed image."""
    examination_type = ExaminationTypeFactory.create(code="toy")
    ModelVersionFactory.create(examination_type=examination_type)
    DatasetLabelFactory.create(item=DatasetItemFactory.create(examination_type=examination_type))
    return examination_type


def test_a_steward_asks_once_under_one_key_watches_and_cancels(
    api: Api, steward: User, signed: ExaminationType
) -> None:
    client = api(steward)
    asked = [
        client.post(RUNS, {"examination_type": "toy"}, headers={"Idempotency-Key": "one"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in asked] == [202, 202]
    run = TrainingRun.objects.get()
    assert asked[0]["Location"].endswith(f"{RUNS}/{run.pk}")
    body = client.get(f"{RUNS}/{run.pk}").json()
    assert (body["state"], body["kind"], body["progress"], body["gate_report"]) == (
        "pending",
        "quick",
        None,
        None,
    )
    cancelled = client.post(f"{RUNS}/{run.pk}/cancel", {"reason": "Later."})
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")


def test_a_second_run_is_refused_and_told_what_runs(api: Api, steward: User, signed: ExaminationType) -> None:
    client = api(steward)
    client.post(RUNS, {"examination_type": "toy"})
    refused = assert_problem(client.post(RUNS, {"examination_type": "toy"}), 409, "training_under_way")
    assert "(quick, pending" in refused["detail"]
    assert "pending" in refused["detail"]


def test_a_run_shows_its_progress_and_what_the_gate_said(api: Api, steward: User) -> None:
    report = GateReportFactory.create(passed=False)
    progress = {
        "epoch": 2,
        "epochs": 4,
        "step": 1,
        "steps": 9,
        "loss": 0.5,
        "auroc": 0.9,
        "seconds_left": 12.0,
    }
    run = TrainingRunFactory.create(
        examination_type=report.candidate.examination_type,
        candidate=report.candidate,
        state=TrainingState.SUCCEEDED,
        progress=progress,
    )
    body = api(steward).get(f"{RUNS}/{run.pk}").json()
    assert body["progress"] == progress
    assert (body["gate_report"]["passed"], body["gate_report"]["criteria"][0]["name"]) == (False, "auroc")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"kind": "full", "architecture": "no_such_network"}, "unknown_architecture"),
        ({"kind": "sideways"}, "invalid"),
        ({"epochs": -1}, "invalid"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    api: Api, steward: User, signed: ExaminationType, asked: dict[str, object], code: str
) -> None:
    refused = api(steward).post(RUNS, {"examination_type": "toy", **asked})
    assert refused.json()["code"] == code
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize("role", [Role.READER, Role.INTEGRATOR])
@pytest.mark.parametrize("call", ["list", "detail", "create", "cancel", "retry"])
def test_others_neither_see_nor_change_trainings(
    api: Api, signed: ExaminationType, role: Role, call: str
) -> None:
    run = TrainingRunFactory.create(examination_type=signed)
    client = api(UserFactory.create(role=role))
    answer = {
        "list": lambda: client.get(RUNS),
        "detail": lambda: client.get(f"{RUNS}/{run.pk}"),
        "create": lambda: client.post(RUNS, {"examination_type": "toy"}),
        "cancel": lambda: client.post(f"{RUNS}/{run.pk}/cancel"),
        "retry": lambda: client.post(f"{RUNS}/{run.pk}/retry"),
    }[call]()
    assert_problem(answer, 403, "not_allowed")
    run.refresh_from_db()
    assert run.state == TrainingState.PENDING


def test_an_auditor_sees_trainings_and_changes_none(api: Api, signed: ExaminationType) -> None:
    run = TrainingRunFactory.create(examination_type=signed)
    client = api(UserFactory.create(role=Role.AUDITOR))
    assert [row["id"] for row in client.get(RUNS).json()["results"]] == [str(run.pk)]
    assert client.get(f"{RUNS}/{run.pk}").status_code == 200
    assert_problem(client.post(RUNS, {"examination_type": "toy"}), 403, "not_allowed")
    assert_problem(client.post(f"{RUNS}/{run.pk}/cancel"), 403, "not_allowed")


def test_outsiders_train_nothing(api: Api, signed: ExaminationType) -> None:
    assert_outsiders_stay_out(
        lambda client: client.post(RUNS, {"examination_type": "toy"}), api=api, scope=Scope.TRAIN
    )
    assert not TrainingRun.objects.exists()

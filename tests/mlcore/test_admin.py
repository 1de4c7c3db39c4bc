"""Model versions are activated, rolled back and rejected by actions that ask for a reason."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Role
from mlcore.models import Embedding, ModelState, ModelVersion, ServingProcess, TrainingRun, TrainingState
from tests.diagnosis.admin.forms import address, perform, said
from tests.factories import (
    PASSWORD,
    ExaminationTypeFactory,
    GateReportFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    UserFactory,
)


@pytest.fixture
def versions(db: None) -> tuple[ModelVersion, ModelVersion]:
    """Return the active version and a candidate of one examination type."""
    examination_type = ExaminationTypeFactory.create()
    incumbent = ModelVersionFactory.create(examination_type=examination_type, version=1)
    candidate = ModelVersionFactory.create(
        examination_type=examination_type, version=2, state=ModelState.CANDIDATE
    )
    GateReportFactory.create(candidate=candidate, incumbent=incumbent)
    return incumbent, candidate


@pytest.fixture
def as_role(client: Client, db: None) -> Callable[[Role], Client]:
    """Return a function that signs in somebody with a role."""

    def sign_in(role: Role) -> Client:
        assert client.login(email=UserFactory.create(role=role).email, password=PASSWORD)
        return client

    return sign_in


def states(*versions: ModelVersion) -> list[str]:
    return [ModelVersion.objects.get(pk=version.pk).state for version in versions]


def test_a_candidate_is_activated_then_rolled_back(
    versions: tuple[ModelVersion, ModelVersion], as_role: Callable[[Role], Client]
) -> None:
    incumbent, candidate = versions
    client = as_role(Role.ADMINISTRATOR)
    perform(client, "activate", candidate, reason="It passed the gate.")
    assert states(incumbent, candidate) == ["retired", "active"]
    perform(client, "roll_back", incumbent, reason="Too many false alarms.")
    assert states(incumbent, candidate) == ["active", "retired"]
    reasons = AuditEntry.objects.filter(action__startswith="model_version").values_list("action", "reason")
    assert set(reasons) == {
        ("model_version.activate", "It passed the gate."),
        ("model_version.roll_back", "Too many false alarms."),
    }


def test_a_candidate_that_did_not_pass_the_gate_cannot_be_activated(
    versions: tuple[ModelVersion, ModelVersion], as_role: Callable[[Role], Client]
) -> None:
    incumbent, candidate = versions
    missed = {"name": "negative_flips", "passed": False, "measured": 0.1, "limit": 0.02, "reason": "Worse."}
    GateReportFactory.create(candidate=candidate, incumbent=incumbent, passed=False, criteria=[missed])
    answer = perform(as_role(Role.ADMINISTRATOR), "activate", candidate, reason="I want it.")
    assert "did not pass the gate: negative_flips" in said(answer)
    assert states(incumbent, candidate) == ["active", "candidate"]


def test_the_page_of_a_version_says_what_changed_and_who_approved_it(
    versions: tuple[ModelVersion, ModelVersion], as_role: Callable[[Role], Client]
) -> None:
    _, candidate = versions
    client = as_role(Role.ADMINISTRATOR)
    perform(client, "activate", candidate, reason="It passed the gate.")
    content = client.get(address(ModelVersion, "change", candidate.pk)).content.decode()
    assert "Approved by" in content
    assert "It passed the gate." in content
    assert "No change." in content


def test_a_training_is_cancelled_and_a_failed_one_retried(
    as_role: Callable[[Role], Client],
) -> None:
    waiting = TrainingRunFactory.create(progress={"epoch": 1, "epochs": 4, "step": 3, "steps": 9})
    failed = TrainingRunFactory.create(state=TrainingState.FAILED, failure_code="worker_lost")
    client = as_role(Role.DATA_STEWARD)
    assert b"epoch 1 of 4" in client.get(address(TrainingRun, "change", waiting.pk)).content
    perform(client, "cancel", waiting, reason="Wrong network.")
    perform(client, "retry", failed, reason="The machine is back.")
    waiting.refresh_from_db()
    failed.refresh_from_db()
    assert (waiting.state, failed.state) == (TrainingState.CANCELLED, TrainingState.PENDING)


def test_a_rejected_candidate_cannot_be_activated(
    versions: tuple[ModelVersion, ModelVersion], as_role: Callable[[Role], Client]
) -> None:
    incumbent, candidate = versions
    client = as_role(Role.ADMINISTRATOR)
    perform(client, "reject", candidate, reason="Worse on children under two.")
    answer = perform(client, "activate", candidate, reason="Try it.")
    assert "cannot become active" in said(answer)
    assert states(incumbent, candidate) == ["active", "rejected"]


@pytest.mark.parametrize("role", [Role.DATA_STEWARD, Role.AUDITOR, Role.READER, Role.INTEGRATOR])
def test_nobody_else_changes_which_model_answers(
    role: Role, versions: tuple[ModelVersion, ModelVersion], as_role: Callable[[Role], Client]
) -> None:
    incumbent, candidate = versions
    form = {"action": "activate", "_selected_action": [str(candidate.pk)], "confirm": "1", "reason": "Mine."}
    as_role(role).post(address(ModelVersion, "changelist"), form)
    assert states(incumbent, candidate) == ["active", "candidate"]


def test_the_page_of_a_version_shows_its_operating_points_and_who_loaded_it(
    versions: tuple[ModelVersion, ModelVersion], as_role: Callable[[Role], Client]
) -> None:
    incumbent, _ = versions
    point = {"threshold": 0.4, "sensitivity": 0.987, "specificity": 0.9}
    ModelVersion.objects.filter(pk=incumbent.pk).update(operating_points={"pneumonia": point})
    now = timezone.now()
    loaded = {"chest": str(incumbent.pk)}
    ServingProcess.objects.create(name="worker:9", started_at=now, seen_at=now, models_loaded=loaded)
    content = as_role(Role.AUDITOR).get(address(ModelVersion, "change", incumbent.pk)).content.decode()
    assert "0.987" in content
    assert "worker:9" in content


def test_an_embedding_is_listed_without_its_vector(db: None, as_role: Callable[[Role], Client]) -> None:
    row = Embedding.objects.create(embedding_version="e1", source_id="s", group="g", vector=b"\x11" * 512)
    client = as_role(Role.ADMINISTRATOR)
    content = client.get(reverse("admin:mlcore_embedding_changelist")).content.decode()
    assert '<td class="field-numbers">128</td>' in content
    assert "vector" not in client.get(address(Embedding, "change", row.pk)).content.decode()

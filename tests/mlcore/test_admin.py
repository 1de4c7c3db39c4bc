"""Model versions are activated, rolled back and rejected by actions that ask for a reason."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Role
from mlcore.models import Embedding, ModelState, ModelVersion, ServingProcess
from tests.diagnosis.admin.forms import address, perform, said
from tests.factories import PASSWORD, ExaminationTypeFactory, ModelVersionFactory, UserFactory


@pytest.fixture
def versions(db: None) -> tuple[ModelVersion, ModelVersion]:
    """Return the active version and a candidate of one examination type."""
    examination_type = ExaminationTypeFactory.create()
    incumbent = ModelVersionFactory.create(examination_type=examination_type, version=1)
    candidate = ModelVersionFactory.create(
        examination_type=examination_type, version=2, state=ModelState.CANDIDATE
    )
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

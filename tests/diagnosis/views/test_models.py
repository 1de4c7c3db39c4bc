"""The pages of models: versions over time, the gate, decisions and trainings; who may press what."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Role, User
from mlcore.models import ExaminationType, GateReport, ModelState, ModelVersion, TrainingRun, TrainingState
from mlcore.services.promotion import promote
from tests.factories import (
    ConditionFactory,
    DatasetItemFactory,
    DatasetLabelFactory,
    DatasetVersionFactory,
    ExaminationTypeFactory,
    GateReportFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    UserFactory,
)

PROGRESS = {
    **{"epoch": 2, "epochs": 4, "step": 5, "steps": 10},
    **{"loss": 0.4321, "auroc": 0.9123, "seconds_left": 61.0},
}


@dataclass(frozen=True)
class Learned:
    """An examination type with an active version, a candidate that passed, and a training that runs."""

    kind: ExaminationType
    active: ModelVersion
    candidate: ModelVersion
    report: GateReport
    run: TrainingRun

    def address(self, name: str) -> str:
        """Return where the candidate, the training or the type is changed or shown."""
        of = {
            "models": [],
            "model-version": [self.candidate.pk],
            "promote": [self.candidate.pk, "promote"],
            "reject": [self.candidate.pk, "reject"],
            "measure": [self.candidate.pk, "measure"],
            "model-roll-back": [self.kind.code],
            "training-start": [self.kind.code],
        }
        page = "model-decide" if name in {"promote", "reject", "measure"} else name
        return reverse(f"diagnosis:{page}", args=of.get(name, [self.run.pk]))


PAGES = ("models", "model-version", "training", "training-progress")
DECISIONS = ("promote", "reject", "model-roll-back")
TRAININGS = ("measure", "training-start", "training-cancel", "training-retry")


def figures(auroc: float) -> dict[str, Any]:
    """Return what a version says of itself."""
    return {
        "classes": ["pneumonia"],
        "operating_points": {"pneumonia": {"threshold": 0.5, "sensitivity": 0.96, "specificity": 0.91}},
        "metrics": {"auroc": auroc, "pneumonia_auroc": auroc, "pneumonia_ece": 0.031},
        "intended_use": "Children's chests.",
        "limits": ["Knows pneumonia alone."],
    }


@pytest.fixture
def learned(db: None) -> Learned:
    kind = ExaminationTypeFactory.create(name="Chest", code="chest", trains_after=5)
    ConditionFactory.create(examination_type=kind, code="pneumonia", name="Pneumonia")
    active = ModelVersionFactory.create(examination_type=kind, version=1, **figures(0.91))
    candidate = ModelVersionFactory.create(
        examination_type=kind, version=2, state=ModelState.CANDIDATE, **figures(0.93)
    )
    data = DatasetVersionFactory.create(examination_type=kind)
    report = GateReportFactory.create(
        candidate=candidate,
        incumbent=active,
        dataset_version=data,
        figures={
            "by_condition": {"pneumonia": {"incumbent": {"auroc": 0.9111}, "candidate": {"auroc": 0.9333}}}
        },
    )
    run = TrainingRunFactory.create(
        examination_type=kind, dataset_version=data, kind="full", progress=PROGRESS
    )
    DatasetLabelFactory.create(item=DatasetItemFactory.create(examination_type=kind))
    return Learned(kind, active, candidate, report, run)


def text(client: Client, address: str) -> str:
    """Return the page."""
    response = client.get(address)
    assert response.status_code == 200
    return str(response.content.decode())


def test_the_page_shows_versions_figures_and_how_far_the_next_training_is(
    page: Client, learned: Learned
) -> None:
    shown = text(page, learned.address("models"))
    for words in ("<strong>1 of 5</strong> signed until the next training", "sensitivity 96 %", "ECE 0.031"):
        assert words in shown
    assert shown.count('<g class="version') == 2
    assert "Children&#x27;s chests." in shown
    assert 'style="' not in shown
    assert "formaction" not in shown
    assert learned.address("training-start") not in shown


def test_a_version_shows_its_gate_its_change_and_who_approved_it(
    page: Client, learned: Learned, administrator: User
) -> None:
    promote(learned.candidate, by=administrator, reason="Better on every criterion.")
    shown = text(page, learned.address("model-version"))
    for words in (
        *("No change.", "-0.0100", "0.9111", "0.9333", "Pneumonia"),
        *("Approved by Ada Administrator.", "Better on every criterion.", "Knows pneumonia alone."),
    ):
        assert words in shown


def test_a_model_without_versions_figures_or_gate_is_shown_all_the_same(page: Client, db: None) -> None:
    bare = ModelVersionFactory.create()
    ExaminationTypeFactory.create(name="Nothing yet")
    assert "Nothing yet" in text(page, reverse("diagnosis:models"))
    assert "never measured at the gate" in text(page, reverse("diagnosis:model-version", args=[bare.pk]))
    ModelVersion.objects.update(classes=["measles"])
    assert "measles" in text(page, reverse("diagnosis:models"))
    assert "measles" in text(page, reverse("diagnosis:model-version", args=[bare.pk]))


@pytest.mark.parametrize("state", TrainingState.values)
def test_a_training_that_never_told_of_itself_is_shown_in_every_state(
    page: Client, learned: Learned, state: str
) -> None:
    TrainingRun.objects.update(
        state=state, progress={}, failure_code="x", lease_expires_at="2030-01-01T00:00Z", kind="full"
    )
    for name in ("models", "training", "training-progress"):
        assert "<dd>–</dd>" in text(page, learned.address(name)) or name == "models"


def test_the_number_of_queries_does_not_grow_with_the_versions(page: Client, learned: Learned) -> None:
    with CaptureQueriesContext(connection) as few:
        page.get(learned.address("models"))
    for number in range(3, 9):
        version = ModelVersionFactory.create(
            examination_type=learned.kind, version=number, state=ModelState.RETIRED, **figures(0.9)
        )
        GateReportFactory.create(candidate=version, dataset_version=learned.report.dataset_version)
    with CaptureQueriesContext(connection) as many:
        page.get(learned.address("models"))
    assert len(many) == len(few)


def test_progress_is_polled_until_the_training_has_ended(page: Client, learned: Learned) -> None:
    TrainingRun.objects.update(state=TrainingState.RUNNING, lease_expires_at="2030-01-01T00:00Z")
    shown = text(page, learned.address("training-progress"))
    for words in ("Epoch 2 of 4, step 5 of 10", "0.4321", "0.9123", "61 s", "every 2s", 'value="37.50"'):
        assert words in shown
    TrainingRun.objects.update(state=TrainingState.FAILED, failure_code="x", failure_message="Too few.")
    ended = text(page, learned.address("training-progress"))
    assert "every 2s" not in ended
    assert "Too few." in ended


@pytest.mark.parametrize("name", [*DECISIONS, *TRAININGS])
def test_readers_integrators_and_auditors_change_nothing(
    client: Client, learned: Learned, charlie: User, name: str
) -> None:
    before = list(ModelVersion.objects.values_list("pk", "state")), TrainingRun.objects.get().state
    for role in (Role.READER, Role.INTEGRATOR, Role.AUDITOR):
        User.objects.filter(pk=charlie.pk).update(role=role)
        client.force_login(User.objects.get(pk=charlie.pk))
        assert client.post(learned.address(name), {"reason": "x", "kind": "quick"}).status_code == 403
        assert client.post(learned.address(name)).status_code == 403
        for shown in PAGES:
            assert "<form" not in text(client, learned.address(shown)).split("<main")[-1]
    assert (list(ModelVersion.objects.values_list("pk", "state")), TrainingRun.objects.get().state) == before


@pytest.mark.parametrize("name", [*PAGES, *DECISIONS, *TRAININGS])
def test_whoever_is_not_signed_in_is_sent_to_the_sign_in_page(
    client: Client, learned: Learned, name: str
) -> None:
    response = client.get(learned.address(name)) if name in PAGES else client.post(learned.address(name))
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", [*DECISIONS, *TRAININGS])
def test_a_change_is_never_made_by_get(
    client: Client, learned: Learned, administrator: User, name: str
) -> None:
    client.force_login(administrator)
    assert client.get(learned.address(name)).status_code == 405


def test_a_steward_cancels_a_training_and_begins_another(client: Client, learned: Learned) -> None:
    client.force_login(UserFactory.create(role=Role.DATA_STEWARD))
    assert "Quick update" not in text(client, learned.address("models")).split("<h3>")[1]
    assert "Cancel this training" in text(client, learned.address("training"))
    refused = client.post(learned.address("training-start"), {"kind": "quick"})
    assert refused.status_code == 409
    client.post(learned.address("training-cancel"))
    assert TrainingRun.objects.get().state == TrainingState.CANCELLED
    assert client.post(learned.address("promote"), {"reason": "Mine."}).status_code == 403
    assert client.post(learned.address("training-start"), {"kind": "slow"}).status_code == 422


def test_a_training_is_begun_on_what_is_signed(client: Client, learned: Learned) -> None:
    learned.run.transition_to(TrainingState.CANCELLED)
    client.force_login(UserFactory.create(role=Role.DATA_STEWARD))
    for wrong in ({"architecture": "none"}, {"epochs": "-1"}):
        assert client.post(learned.address("training-start"), {"kind": "full", **wrong}).status_code == 422
    asked = {"kind": "full", "architecture": "tiny_cnn", "epochs": "3"}
    response = client.post(learned.address("training-start"), asked)
    run = TrainingRun.objects.get(state=TrainingState.PENDING)
    assert response["Location"] == reverse("diagnosis:training", args=[run.pk])
    assert (run.kind, run.architecture, run.epochs) == ("full", "tiny_cnn", 3)
    assert run.dataset_version.item_count == 1


def test_an_administrator_promotes_rolls_back_and_gives_reasons(
    client: Client, learned: Learned, administrator: User
) -> None:
    client.force_login(administrator)
    assert client.post(learned.address("promote")).status_code == 422
    assert client.post(learned.address("promote"), {"reason": "Passed."}).status_code == 302
    learned.candidate.refresh_from_db()
    assert learned.candidate.state == ModelState.ACTIVE
    assert "Roll back" in text(client, learned.address("models"))
    client.post(learned.address("model-roll-back"), {"reason": "Complaints."})
    learned.active.refresh_from_db()
    assert learned.active.state == ModelState.ACTIVE
    assert "Complaints." in text(client, reverse("diagnosis:model-version", args=[learned.active.pk]))


def test_what_the_gate_refused_is_not_promoted_and_can_be_rejected(
    client: Client, learned: Learned, administrator: User
) -> None:
    GateReport.objects.update(passed=False)
    client.force_login(administrator)
    refused = client.post(learned.address("promote"), {"reason": "All the same."})
    assert refused.status_code == 409
    assert "did not pass the gate" in refused.content.decode()
    client.post(learned.address("reject"), {"reason": "Worse."})
    learned.candidate.refresh_from_db()
    assert learned.candidate.state == ModelState.REJECTED


def test_the_drawing_keeps_its_points_within_its_frame(page: Client, learned: Learned) -> None:
    for number, auroc in enumerate((0.2, 0.5, 1.0), start=3):
        ModelVersionFactory.create(
            examination_type=learned.kind, version=number, state=ModelState.RETIRED, **figures(auroc)
        )
    plot = page.get(learned.address("models")).context["types"][0].plot
    heights = [float(point.y) for point in plot.points]
    assert len(heights) == 5
    assert heights[4] < heights[1] < heights[3] < heights[2]
    assert min(heights) >= 0
    assert max(heights) <= plot.height
    assert [line.label for line in plot.lines] == ["1.00", "0.75", "0.50", "0.25", "0.00"]

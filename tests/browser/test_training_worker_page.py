"""A training by a real worker, followed and cancelled in a real browser; one that is killed goes on."""

import re
import subprocess
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from accounts.models import Role
from mlcore.models import ExaminationType, TrainingRun, TrainingState
from mlcore.pipeline import folder_of
from tests.browser.conftest import sign_in
from tests.conftest import kill_worker, stop_worker
from tests.factories import ExaminationTypeFactory, UserFactory
from tests.mlcore.signed_images import sign_images
from tests.worker.test_training_worker import trainers as trainers

pytestmark = [pytest.mark.browser, pytest.mark.worker, pytest.mark.slow]

BEGIN_MS = 180_000
"""How long a worker may take until the first epoch; the machine of a test may be slow."""


@pytest.fixture
def toy(live_server: object, lifted_audit_triggers: None, settings: Settings) -> ExaminationType:
    """Return an examination type with sixty signed images and no model."""
    settings.TRAINING_LEASE_SECONDS = 3  # as the workers of these tests have it
    examination_type = ExaminationTypeFactory.create(code="toy", name="Toy", trains_after=0)
    sign_images(examination_type, 60, seed=1)
    return examination_type


def begin(page: Page, *, epochs: int) -> TrainingRun:
    """Begin a full training on the page of models, as a data steward does."""
    page.goto("/models/")
    page.get_by_label("Network").select_option("tiny_cnn")
    page.get_by_label("Epochs").fill(str(epochs))
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#training")).to_contain_text("It begins as soon as a training worker is free")
    return TrainingRun.objects.get()


def epoch_shown(page: Page) -> int:
    """Return the epoch that the page says the training is in."""
    said = re.search(r"Epoch (\d+) of", page.locator("#training").inner_text())
    return int(said[1]) if said else 0


@pytest.fixture
def steward_page(open_page: Callable[..., Page], toy: ExaminationType) -> Page:
    """Return a page in which a data steward is signed in."""
    return sign_in(open_page(), UserFactory.create(role=Role.DATA_STEWARD))


def test_a_running_training_is_cancelled_by_its_button_and_the_page_says_so(
    steward_page: Page, trainers: Callable[[], "subprocess.Popen[bytes]"]
) -> None:
    run = begin(steward_page, epochs=500)
    trainers()
    panel = steward_page.locator("#training")
    expect(panel).to_contain_text("Epoch ", timeout=BEGIN_MS)
    expect(panel).to_contain_text(re.compile(r"Loss\s*\d\.\d+"))
    steward_page.get_by_role("button", name="Cancel this training").click()
    expect(steward_page.locator("body")).to_contain_text("Nothing it learned is kept")
    expect(panel.get_by_role("status")).to_have_text("Cancelled")
    expect(steward_page.get_by_role("button", name="Cancel this training")).to_have_count(0)
    assert not folder_of(run).exists()


def test_a_training_whose_worker_is_killed_is_seen_to_go_on_where_it_was(
    steward_page: Page, trainers: Callable[[], "subprocess.Popen[bytes]"]
) -> None:
    run = begin(steward_page, epochs=120)
    first = trainers()
    panel = steward_page.locator("#training")
    expect(panel).to_contain_text(re.compile(r"Epoch [2-9]\d of 120"), timeout=BEGIN_MS)
    kill_worker(first)
    before = epoch_shown(steward_page)
    assert TrainingRun.objects.get().state == TrainingState.RUNNING, "killed too late to prove anything"
    second = trainers()
    expect(panel).to_contain_text("goes on from the checkpoint", timeout=BEGIN_MS)
    seen = []
    while panel.get_by_role("status").inner_text() in {"Running", "Waiting"}:
        seen.append(epoch_shown(steward_page))
        steward_page.wait_for_timeout(200)
    assert min(epoch for epoch in seen if epoch) >= before
    expect(panel).to_contain_text("A candidate came out")
    stop_worker(second)
    run.refresh_from_db()
    assert (run.state, run.attempts) == (TrainingState.SUCCEEDED, 2)

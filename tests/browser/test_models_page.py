"""The pages of models and trainings in a real browser: open to everybody, and alive."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Role, User
from diagnosis.models import Analysis
from mlcore.models import ModelState, TrainingRun, TrainingState
from tests.browser.conftest import sign_in
from tests.browser.test_every_page import inspect
from tests.diagnosis.views.conftest import answered_study
from tests.diagnosis.views.test_models import PROGRESS, Learned, figures
from tests.diagnosis.views.test_models import learned as learned
from tests.factories import ModelVersionFactory

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "theme"), [("wide", "dark"), ("phone", "light")])
def test_the_pages_of_models_are_open_to_everybody(
    open_page: Callable[..., Page], rhea: User, learned: Learned, width: str, theme: str, tmp_path: Path
) -> None:
    for number in range(3, 7):
        ModelVersionFactory.create(
            examination_type=learned.kind,
            version=number,
            state=ModelState.RETIRED,
            **figures(0.9 + number / 100),
        )
    User.objects.filter(pk=rhea.pk).update(role=Role.ADMINISTRATOR)
    page = sign_in(open_page(width, color_scheme=theme), rhea)
    for name in ("models", "model-version", "training"):
        inspect(page, learned.address(name), name=f"{name}-{width}-{theme}", tmp_path=tmp_path)


def test_the_page_of_a_training_moves_by_itself(
    open_page: Callable[..., Page], rhea: User, learned: Learned
) -> None:
    page = sign_in(open_page(), rhea)
    page.goto(learned.address("training"))
    expect(page.locator("#training")).to_contain_text("Waiting")
    TrainingRun.objects.update(state=TrainingState.RUNNING, lease_expires_at="2030-01-01T00:00Z")
    expect(page.locator("#training")).to_contain_text("Epoch 2 of 4, step 5 of 10")
    TrainingRun.objects.update(progress=PROGRESS | {"step": 9, "seconds_left": 200})
    expect(page.locator("#training")).to_contain_text("step 9 of 10")
    expect(page.locator("#training")).to_contain_text("3 min")
    learned.run.refresh_from_db()
    learned.run.transition_to(TrainingState.SUCCEEDED, lease_expires_at=None, candidate=learned.candidate)
    page.get_by_role("link", name="model v2").click()
    expect(page.locator("h1")).to_contain_text("Candidate")


def test_the_facts_of_a_model_say_what_changed_since_the_version_before(
    open_page: Callable[..., Page], rhea: User, learned: Learned
) -> None:
    read = answered_study(rhea)
    Analysis.objects.filter(pk=read.analysis.pk).update(model_version=learned.candidate)
    page = sign_in(open_page(), rhea)
    page.goto(f"/studies/{read.study.pk}/")
    page.keyboard.press("d")
    facts = page.locator("#model")
    expect(facts).to_contain_text("Children's chests.")
    expect(facts).to_contain_text("AUROC")
    changed = facts.locator("#model-changes table")
    expect(changed).to_contain_text("0.9111")
    expect(changed).to_contain_text("0.9333")
    expect(facts.get_by_role("link", name="All figures, the gate, and who decided")).to_be_visible()

"""The way of a reader from registration to a signed review, with a real worker."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Role, User, UserStatus
from diagnosis.models import Condition, ConditionState, Review, ReviewState
from mlcore.models import ModelVersion
from tests.browser.conftest import ANSWER_MS, fill_sign_in, sign_in
from tests.factories import PASSWORD, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.worker, pytest.mark.data, pytest.mark.slow]


def register(page: Page, *, email: str, name: str) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Full name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()


def approve(page: Page, *, email: str) -> None:
    """Approve a registration as an administrator does: in the administration, with a reason."""
    page.goto("/admin/accounts/user/")
    row = page.locator("tr", has_text=email)
    row.locator("input.action-select").check()
    page.locator("select[name=action]").first.select_option(label=option_with(page, "Approve"))
    page.locator("button[name=index]").first.click()
    page.locator("[name=reason]").fill("Known colleague")
    page.locator("[name=confirm]").click()
    page.wait_for_url("**/admin/accounts/user/**")


def option_with(page: Page, word: str) -> str:
    labels = page.locator("select[name=action]").first.locator("option").all_inner_texts()
    return next(label for label in labels if word.lower() in label.lower())


def send(page: Page, file: Path) -> None:
    page.goto("/upload/")
    page.locator("#files").set_input_files(file)
    page.get_by_role("button", name="Send 1 file").click()


def test_from_registration_to_a_signed_review(
    open_page: Callable[..., Page], served: ModelVersion, data_dir: Path
) -> None:
    newcomer, office = open_page(), open_page()
    register(newcomer, email="nora@example.org", name="Dr. Nora New")
    expect(newcomer.get_by_role("heading")).to_contain_text("waits for an administrator")
    assert User.objects.get(email="nora@example.org").status == UserStatus.PENDING

    chief = UserFactory.create(email="chief@example.org", role=Role.ADMINISTRATOR)
    sign_in(office, chief)
    approve(office, email="nora@example.org")
    nora = User.objects.get(email="nora@example.org")
    assert nora.status == UserStatus.ACTIVE

    page = newcomer
    fill_sign_in(page, nora)
    expect(page.get_by_role("heading", name="Before you read your first study")).to_be_visible()
    page.get_by_role("button", name="I have read this").click()
    page.wait_for_url("**/")
    expect(page.get_by_role("heading", name="No studies yet")).to_be_visible()
    send(page, data_dir / "upload_samples_fullres/PNEUMONIA/person1251_bacteria_3208.jpeg")
    row = page.locator("#verdicts .upload")
    expect(row.locator(".badge")).to_have_text("Accepted")
    row.get_by_role("link", name="Open study").click()

    # The answer appears without a reload.
    finding = page.locator("[data-finding]").first
    expect(finding.locator(".finding-answer")).to_be_visible(timeout=ANSWER_MS)
    expect(page.locator(".safety")).to_contain_text("Preliminary output of a model.")
    expect(page.locator(".stage canvas").first).to_be_visible()
    look_at_the_overlay(page)
    correct_and_sign(page)

    review = Review.objects.get(reader=nora, state=ReviewState.SIGNED)
    proposed = Condition.objects.get(name="Thymic shadow")
    verdicts = {given.condition.name: given.verdict for given in review.findings.all()}
    assert verdicts == {"Pneumonia": "uncertain", "Thymic shadow": "present"}
    assert proposed.state == ConditionState.PROPOSED
    assert review.comment == "Child rotated to the right."
    assert review.model_answer_seen
    assert review.model_version == served
    assert not review.training_consent


def look_at_the_overlay(page: Page) -> None:
    viewer = page.locator('[data-viewer="main"]')
    expect(page.locator("[data-overlay-words]")).to_be_hidden()
    before = page.locator(".stage canvas").first.screenshot()
    page.keyboard.press("a")
    expect(viewer).to_have_attribute("data-overlay", "shown")
    expect(page.locator("[data-overlay-words]")).to_contain_text(
        "Shows where the score is sensitive. Not an outline of disease."
    )
    page.wait_for_timeout(200)
    assert page.locator(".stage canvas").first.screenshot() != before
    page.keyboard.press("a")
    expect(viewer).to_have_attribute("data-overlay", "hidden")


def correct_and_sign(page: Page) -> None:
    saved = page.locator("#review-saved")
    page.keyboard.press("1")
    page.keyboard.press("u")
    expect(saved).to_contain_text("Draft saved")
    page.get_by_text("Add a finding", exact=True).click()
    page.get_by_label("Add unknown condition").fill("Thymic shadow")
    page.get_by_role("button", name="Propose", exact=True).click()
    expect(page.locator("[data-finding]", has_text="Thymic shadow")).to_be_visible()
    page.get_by_label("Comment").fill("Child rotated to the right.")
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.locator("#notices")).to_contain_text("Signed.")
    expect(page.locator(".signed-review")).to_contain_text("Thymic shadow")


def test_an_image_of_something_else_is_withheld_in_words(
    reader_page: Page, served: ModelVersion, data_dir: Path
) -> None:
    hand = next((data_dir / "mednist/Hand").glob("*"))
    send(reader_page, hand)
    reader_page.get_by_role("link", name="Open study").click()
    expect(reader_page.locator(".result-head .badge.withheld")).to_have_text("Withheld", timeout=ANSWER_MS)
    expect(reader_page.locator(".finding-answer")).to_have_count(0)


def test_the_worklist_fills_in_an_answer_without_a_reload(
    reader_page: Page, served: ModelVersion, data_dir: Path
) -> None:
    send(reader_page, data_dir / "upload_samples_fullres/NORMAL/IM-0214-0001.jpeg")
    expect(reader_page.locator("#verdicts .badge")).to_have_text("Accepted")
    reader_page.goto("/")
    reader_page.evaluate("window.sameDocument = true")
    expect(reader_page.locator(".col-model")).to_contain_text("Pneumonia", timeout=ANSWER_MS)
    assert reader_page.evaluate("window.sameDocument")

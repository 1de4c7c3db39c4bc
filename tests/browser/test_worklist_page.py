"""The worklist in a real browser: keys of one's own, a list walked to its end, studies assigned in bulk."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Role, User
from diagnosis.models import Assignment, Review, ReviewState
from tests.browser.conftest import sign_in
from tests.diagnosis.views.conftest import Read, answered_study
from tests.factories import UserFactory

pytestmark = pytest.mark.browser

PROBABILITIES = (0.3, 0.9, 0.6)


@pytest.fixture
def reads(rhea: User) -> dict[float, Read]:
    """Return three answered studies by their probability; the newest is the last."""
    made = [
        answered_study(rhea, seed=seed, probability=probability)
        for seed, probability in enumerate(PROBABILITIES)
    ]
    return {read.finding.probability: read for read in made}


def test_a_key_of_the_worklist_is_changed_in_its_sheet(
    open_page: Callable[..., Page], rhea: User, reads: dict[float, Read]
) -> None:
    page = sign_in(open_page(), rhea)
    page.keyboard.press("?")
    sheet = page.locator("#keys")
    sheet.get_by_role("button", name="Change the key of “Next study”").click()
    page.keyboard.press("ArrowDown")
    expect(sheet.locator("[data-key-message]")).to_contain_text("cannot be used")
    sheet.get_by_role("button", name="Change the key of “Next study”").click()
    page.keyboard.press("d")
    expect(sheet.locator("[data-key-message]")).to_contain_text("taken by “Facts about the model”")
    sheet.get_by_role("button", name="Change the key of “Next study”").click()
    page.keyboard.press(";")
    expect(sheet.locator("[data-key-message]")).to_have_text("Changed.")
    page.keyboard.press("Escape")
    expect(page.locator('.keys-hint [data-hint="next"]')).to_have_text(";")
    page.keyboard.press("j")
    expect(page.locator("tr.chosen")).to_have_count(0)
    page.keyboard.press(";")
    newest = reads[PROBABILITIES[-1]].study
    expect(page.locator("tr.chosen")).to_have_attribute("data-study", str(newest.pk))


def test_a_list_is_signed_to_its_end_in_its_own_order_with_the_keyboard_alone(
    open_page: Callable[..., Page], rhea: User, reads: dict[float, Read]
) -> None:
    page = sign_in(open_page(), rhea)
    page.goto("/?tab=unread&sort=probability")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    for probability in sorted(PROBABILITIES, reverse=True):
        page.wait_for_url(f"**/studies/{reads[probability].study.pk}/?list=*")
        page.keyboard.press("1")
        page.keyboard.press("y")
        expect(page.locator("#review-saved")).to_contain_text("Draft saved")
        page.keyboard.press("Control+Enter")
    page.wait_for_url("**/?tab=unread&sort=probability")
    expect(page.locator("#notices")).to_contain_text("That was the last unread study of the list.")
    assert Review.objects.filter(state=ReviewState.SIGNED, reader=rhea).count() == len(PROBABILITIES)


def test_signing_too_early_says_so_and_keeps_what_was_typed(
    open_page: Callable[..., Page], rhea: User, reads: dict[float, Read]
) -> None:
    page = sign_in(open_page(), rhea)
    page.goto(f"/studies/{reads[0.9].study.pk}/")
    page.get_by_label("Comment").fill("Rotated to the right.")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#notices")).to_contain_text("The review holds no verdict.")
    expect(page.get_by_label("Comment")).to_have_value("Rotated to the right.")


def test_studies_are_chosen_and_assigned_and_the_reader_is_told(
    open_page: Callable[..., Page], rhea: User, reads: dict[float, Read]
) -> None:
    cora = UserFactory.create(email="cora@example.org", full_name="Dr. Cora Colleague")
    steward = UserFactory.create(email="stella@example.org", role=Role.DATA_STEWARD)
    page = sign_in(open_page(), steward)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-picked]")).to_have_text("(2)")
    page.get_by_label("Assign to").select_option(label="Dr. Cora Colleague")
    page.get_by_role("button", name="Assign (2)").click()
    expect(page.locator("#notices")).to_contain_text("2 studies are assigned to Dr. Cora Colleague.")
    asked = set(Assignment.objects.filter(reader=cora).values_list("study", flat=True))
    assert asked == {reads[0.3].study.pk, reads[0.6].study.pk}

    reader = sign_in(open_page(), cora)
    expect(reader.locator("main > .notice")).to_contain_text("2 studies were assigned to you")
    reader.get_by_role("link", name="Show mine").click()
    expect(reader.locator("tr[data-study]")).to_have_count(2)
    reader.locator("a.study-link").first.click()
    reader.wait_for_url("**/studies/**")
    reader.goto("/")
    expect(reader.locator("main > .notice")).to_contain_text("1 study was assigned to you")

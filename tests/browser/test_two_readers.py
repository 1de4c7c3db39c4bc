"""Two readers at one study: each knows of the other, and nothing is signed unknowingly."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from diagnosis.models import Review, ReviewState
from tests.browser.conftest import sign_in
from tests.diagnosis.views.conftest import Read, answered_study
from tests.factories import UserFactory

pytestmark = pytest.mark.browser


@pytest.fixture
def cora(live_server: object) -> User:
    """Return a colleague."""
    return UserFactory.create(email="cora@example.org", full_name="Dr. Cora Colleague")


@pytest.fixture
def shared(rhea: User, cora: User) -> Read:
    """Return a study that both readers may read."""
    read = answered_study(rhea)
    read.study.readers.add(cora)
    return read


def decide(page: Page, key: str) -> None:
    page.keyboard.press("1")
    page.keyboard.press(key)
    expect(page.locator("#review-saved")).to_contain_text("Draft saved")


def test_who_reads_is_seen_and_taken_over_on_purpose(
    open_page: Callable[..., Page], rhea: User, cora: User, shared: Read
) -> None:
    first, second = sign_in(open_page(), rhea), sign_in(open_page(), cora)
    with first.expect_response("**/claim/"):
        first.goto(f"/studies/{shared.study.pk}/")
    second.goto("/")
    expect(second.locator("tr[data-study]")).to_contain_text("Dr. Rhea Reader is reading it")
    second.goto(f"/studies/{shared.study.pk}/")
    expect(second.locator("#claim")).to_contain_text("Dr. Rhea Reader has been reading this study since")
    second.get_by_role("button", name="Take over").click()
    expect(second.locator("#notices")).to_contain_text("You read this study now.")
    expect(second.locator("#claim")).not_to_contain_text("Dr. Rhea Reader")
    first.reload()
    expect(first.locator("#claim")).to_contain_text("Dr. Cora Colleague has been reading this study since")


def test_a_second_signature_is_given_in_knowledge_of_the_first(
    open_page: Callable[..., Page], rhea: User, cora: User, shared: Read
) -> None:
    first, second = sign_in(open_page(), rhea), sign_in(open_page(), cora)
    for page, key in ((first, "y"), (second, "n")):
        page.goto(f"/studies/{shared.study.pk}/")
        decide(page, key)
    first.get_by_role("button", name="Sign", exact=True).click()
    expect(first.locator("#notices")).to_contain_text("Signed.")
    second.get_by_role("button", name="Sign", exact=True).click()
    expect(second.get_by_role("heading", name="This was not done")).to_be_visible()
    expect(second.locator("main")).to_contain_text("Dr. Rhea Reader signed this study while you were reading")
    assert not Review.objects.filter(reader=cora, state=ReviewState.SIGNED).exists()
    second.get_by_role("link", name="Back, with the current state").click()
    expect(second.locator("#reviews")).to_contain_text("Dr. Rhea Reader")
    expect(second.locator("[data-finding] input[name^=verdict]:checked")).to_have_attribute("value", "absent")
    second.get_by_role("button", name="Sign", exact=True).click()
    expect(second.locator("#notices")).to_contain_text("Signed.")
    assert Review.objects.filter(study=shared.study, state=ReviewState.SIGNED).count() == 2


def test_an_older_copy_of_ones_own_draft_is_refused_in_the_page(
    open_page: Callable[..., Page], rhea: User, shared: Read
) -> None:
    first, second = sign_in(open_page(), rhea), sign_in(open_page(), rhea)
    first.goto(f"/studies/{shared.study.pk}/")
    decide(first, "u")
    second.goto(f"/studies/{shared.study.pk}/")
    decide(first, "y")
    second.keyboard.press("1")
    second.keyboard.press("n")
    expect(second.locator("#notices")).to_contain_text("changed since you loaded it")
    given = Review.objects.get(reader=rhea, study=shared.study).findings.get()
    assert given.verdict == "present"

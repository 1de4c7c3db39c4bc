"""The viewer and the keys of the study page, on an answer that is already there."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from diagnosis.models import Review, ReviewState
from tests.browser.conftest import sign_in
from tests.diagnosis.views.conftest import Read, answered_study
from tests.factories import SimilarInstanceFactory

pytestmark = pytest.mark.browser


@pytest.fixture
def read(rhea: User) -> Read:
    """Return an answered study with a similar image."""
    shown = answered_study(rhea, seed=1)
    SimilarInstanceFactory.create(analysis=shown.analysis, instance=answered_study(rhea, seed=2).instance)
    return shown


@pytest.fixture
def study_page(open_page: Callable[..., Page], rhea: User, read: Read) -> Page:
    """Return the study's page, image drawn."""
    page = sign_in(open_page(), rhea)
    page.goto(f"/studies/{read.study.pk}/")
    page.wait_for_selector('[data-viewer="main"][data-ready]')
    return page


def readout(page: Page) -> str:
    page.wait_for_timeout(80)
    return page.locator('[data-viewer="main"] [data-readout]').first.inner_text()


def test_keys_turn_mirror_invert_zoom_and_reset(study_page: Page) -> None:
    fitted = readout(study_page)
    for key, words in (("r", "90°"), ("h", "mirrored"), ("i", "inverted")):
        study_page.keyboard.press(key)
        assert words in readout(study_page)
    study_page.keyboard.press("+")
    assert readout(study_page).split(" %")[0] != fitted.split(" %")[0]
    study_page.keyboard.press("Space")
    assert readout(study_page) == fitted


def test_dragging_changes_window_and_level_and_the_wheel_zooms(study_page: Page) -> None:
    fitted = readout(study_page)
    study_page.mouse.move(400, 400)
    study_page.mouse.down()
    study_page.mouse.move(340, 430, steps=4)
    study_page.mouse.up()
    assert "W 195 L 143" in readout(study_page)
    study_page.mouse.wheel(0, -400)
    assert int(readout(study_page).split(" %")[0]) > int(fitted.split(" %")[0])


def test_the_wheel_zooms_to_the_cursor(study_page: Page) -> None:
    box = study_page.locator(".stage").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.6
    viewer = "document.querySelector('[data-viewer=main] canvas')"
    pixel = f"([x, y]) => [...{viewer}.getContext('2d').getImageData(x, y, 1, 1).data]"
    where = [round(box["width"] * 0.4), round(box["height"] * 0.6)]
    study_page.mouse.move(x, y)
    before = study_page.evaluate(pixel, where)
    for _ in range(3):
        study_page.mouse.wheel(0, -300)
    study_page.wait_for_timeout(120)
    after = study_page.evaluate(pixel, where)
    # 120 noise pixels across: the same source pixel stays under the cursor.
    assert sum(abs(a - b) for a, b in zip(before, after, strict=True)) < 200


def test_keys_decide_and_ctrl_enter_signs(study_page: Page, read: Read, rhea: User) -> None:
    study_page.keyboard.press("1")
    study_page.keyboard.press("n")
    expect(study_page.locator(f"#absent-{read.condition.pk}")).to_be_checked()
    expect(study_page.locator(".differs")).to_be_visible()
    expect(study_page.locator("#review-saved")).to_contain_text("Draft saved")
    study_page.keyboard.press("Control+Enter")
    expect(study_page.locator("#notices")).to_contain_text("Signed.")
    signed = Review.objects.get(reader=rhea, state=ReviewState.SIGNED)
    assert signed.findings.get().verdict == "absent"
    assert str(read.study.pk) not in study_page.url


def test_signing_at_once_after_the_last_change_is_not_refused(
    study_page: Page, read: Read, rhea: User
) -> None:
    slowed = study_page.context.new_cdp_session(study_page)
    slowed.send("Network.enable")
    limits = {"offline": False, "latency": 500, "downloadThroughput": -1, "uploadThroughput": -1}
    slowed.send("Network.emulateNetworkConditions", limits)
    for pause in (0, 320, 400, 600):
        study_page.goto(f"/studies/{read.study.pk}/")
        study_page.wait_for_selector('[data-viewer="main"][data-ready]')
        study_page.locator(f"label:has(#absent-{read.condition.pk})").click()
        study_page.wait_for_timeout(pause)
        study_page.get_by_label("Comment").fill("Seen")
        study_page.get_by_role("button", name="Sign", exact=True).click()
        expect(study_page.locator("#notices")).to_contain_text("Signed.")
        signed = Review.objects.get(reader=rhea, state=ReviewState.SIGNED)
        assert (signed.comment, signed.findings.get().verdict) == ("Seen", "absent")
        signed.findings.all().delete()
        signed.delete()


def test_no_key_is_stolen_from_a_field(study_page: Page, read: Read) -> None:
    before = readout(study_page)
    url = study_page.url
    comment = study_page.get_by_label("Comment")
    comment.click()
    study_page.keyboard.type("any ink [left] 1?rhv=+- jkpse")
    study_page.keyboard.press("Control+Enter")
    assert comment.input_value() == "any ink [left] 1?rhv=+- jkpse"
    assert readout(study_page) == before
    assert study_page.url == url
    expect(study_page.locator("#keys")).to_be_hidden()
    assert not Review.objects.filter(state=ReviewState.SIGNED).exists()


def test_a_similar_image_opens_beside_and_closes(study_page: Page) -> None:
    study_page.keyboard.press("s")
    beside = study_page.locator('[data-viewer="beside"]')
    expect(beside).to_be_visible()
    expect(beside.locator("[data-beside-facts]")).to_contain_text("distance")
    beside.get_by_role("button", name="Close").click()
    expect(beside).to_be_hidden()


def test_the_sheet_of_keys_opens_and_closes(study_page: Page) -> None:
    study_page.keyboard.press("?")
    expect(study_page.get_by_role("dialog")).to_contain_text("Sign and next")
    study_page.keyboard.press("Escape")
    expect(study_page.locator("#keys")).to_be_hidden()


def test_e_leads_to_the_stored_information(study_page: Page) -> None:
    study_page.keyboard.press("e")
    expect(study_page.get_by_label("Description")).to_be_focused()


def test_the_worklist_is_walked_by_keys(study_page: Page, read: Read) -> None:
    study_page.goto("/")
    study_page.keyboard.press("j")
    study_page.keyboard.press("j")
    expect(study_page.locator("tr.chosen")).to_have_attribute("data-study", str(read.study.pk))
    study_page.keyboard.press("Enter")
    study_page.wait_for_url(f"**/studies/{read.study.pk}/")
    study_page.wait_for_selector("[data-ready]")
    study_page.keyboard.press("k")
    study_page.wait_for_url(lambda url: "/studies/" in url and str(read.study.pk) not in url)


def test_a_key_is_changed_in_the_sheet_and_a_conflict_is_refused(study_page: Page) -> None:
    study_page.keyboard.press("?")
    sheet = study_page.get_by_role("dialog")
    sheet.get_by_label("Change the key of “Invert”").click()
    study_page.keyboard.press("a")
    expect(sheet.locator("[data-key-message]")).to_contain_text("taken by “Overlay on and off”")
    sheet.get_by_label("Change the key of “Invert”").click()
    study_page.keyboard.press("x")
    expect(sheet.locator("[data-key-of=invert]")).to_have_text("X")
    study_page.keyboard.press("Escape")
    study_page.keyboard.press("i")
    assert "inverted" not in readout(study_page)
    study_page.keyboard.press("x")
    assert "inverted" in readout(study_page)
    study_page.reload()
    study_page.wait_for_selector('[data-viewer="main"][data-ready]')
    study_page.keyboard.press("x")
    assert "inverted" in readout(study_page)


def test_from_the_worklist_to_a_signed_review_by_keys_alone(study_page: Page, read: Read, rhea: User) -> None:
    study_page.goto("/")
    press = study_page.keyboard.press
    press("j")
    press("j")
    expect(study_page.locator("tr.chosen")).to_have_attribute("data-study", str(read.study.pk))
    press("Enter")
    study_page.wait_for_url(f"**/studies/{read.study.pk}/")
    study_page.wait_for_selector('[data-viewer="main"][data-ready]')
    for key in ("a", "]", "w", "+", "Space", "1", "n"):
        press(key)
    expect(study_page.locator("#review-saved")).to_contain_text("Draft saved")
    press("c")
    expect(study_page.get_by_label("Comment")).to_be_focused()
    study_page.keyboard.type("Clear lungs, any j or k")
    press("Escape")
    press("t")
    press("f")
    expect(study_page.get_by_label("Add unknown condition")).to_be_focused()
    study_page.keyboard.type("Thymic shadow")
    press("Tab")
    press("Enter")
    expect(study_page.locator("[data-finding]", has_text="Thymic shadow")).to_be_visible()
    study_page.locator("body").press("Control+Enter")
    expect(study_page.locator("#notices")).to_contain_text("Signed.")
    signed = Review.objects.get(reader=rhea, state=ReviewState.SIGNED)
    assert signed.comment == "Clear lungs, any j or k"
    assert signed.training_consent
    assert {given.verdict for given in signed.findings.all()} == {"absent", "present"}

"""The viewer on real DICOM pixels: windows, measurements, boxes, frames, and two images side by side."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from diagnosis.models import FindingBox, Instance, Review, ReviewState
from medimaging.common.storage import store_content
from tests.browser.conftest import sign_in, wait_in_page
from tests.diagnosis.views.conftest import Read, answered_study
from tests.factories import SimilarInstanceFactory
from tests.hostile.dicoms import changed
from tests.mlcore.engine.imaging.samples import dicom

pytestmark = pytest.mark.browser


def show(read: Read, content: bytes, *, modality: str = "", **values: Any) -> None:
    """Let the study's image be another file."""
    key = store_content(content, kind="instances", extension="dcm")
    Instance.objects.filter(pk=read.instance.pk).update(content_key=key, format="dicom", **values)
    read.instance.series.modality = modality
    read.instance.series.save()


@pytest.fixture
def read(rhea: User) -> Read:
    return answered_study(rhea, seed=1)


@pytest.fixture
def opened(open_page: Callable[..., Page], rhea: User, read: Read) -> Callable[..., Page]:
    def open_study(width: str = "wide") -> Page:
        page = sign_in(open_page(width), rhea)
        page.goto(f"/studies/{read.study.pk}/")
        page.wait_for_selector('[data-viewer="main"][data-ready]')
        return page

    return open_study


def readout(page: Page) -> Locator:
    return page.locator('[data-viewer="main"] [data-readout]').first


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag across the stage, from and to parts of its sides."""
    box = page.locator(".stage").first.bounding_box()
    assert box is not None
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    page.mouse.up()


MEAN_GRAY = """() => {
  const canvas = document.querySelector('[data-viewer=main] canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value, at) => (at % 4 ? sum : sum + value), 0) / (data.length / 4);
}"""


def test_windows_work_on_all_sixteen_bits(opened: Callable[..., Page], read: Read) -> None:
    show(read, dicom("CT_small.dcm"), modality="CT", rows=128, columns=128, bits_stored=16)
    page = opened()
    expect(readout(page)).to_contain_text("W 1646 L -38")
    presets = page.locator("[data-preset]")
    names = presets.locator("option").all_inner_texts()
    assert {"Fitted to the image", "Full range", "Lung", "Bone"} <= set(names)
    presets.select_option(label="Lung")
    expect(readout(page)).to_contain_text("W 1500 L -600")
    # As narrow as one step of an 8-bit preview of these 2063 values, and still gray.
    frame = "medimaging.Frame.load(document.querySelector('[data-viewer=main]').dataset.values)"
    levels = page.evaluate(
        f"""{frame}.then((frame) => new Set(frame.table(
            {{ center: 40, width: 8, function: 'LINEAR_EXACT' }}, false)).size)"""
    )
    assert levels == 9
    presets.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    expect(readout(page)).to_contain_text("W 2000 L 500")


def test_a_drag_changes_the_window_and_the_picture(opened: Callable[..., Page], read: Read) -> None:
    show(read, dicom("CT_small.dcm"), modality="CT", rows=128, columns=128, bits_stored=16)
    page = opened()
    expect(readout(page)).to_contain_text("L -38")
    wait_in_page(page, f"({MEAN_GRAY})() > 0")
    before = page.evaluate(MEAN_GRAY)
    drag(page, (0.5, 0.5), (0.5, 0.3))
    expect(page.locator("[data-preset] option:checked")).to_have_text("Own window")
    wait_in_page(page, f"({MEAN_GRAY})() > {before}")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"PixelSpacing": [0.5, 0.5]}, r"^\d+\.\d mm$"),
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.5, 0.5]}, r"^\d+\.\d mm at the detector$"),
        ({"PixelSpacing": None}, r"^\d+ pixels \(size not known\)$"),
    ],
)
def test_a_length_says_what_it_is_measured_in(
    opened: Callable[..., Page], read: Read, values: dict[str, Any], words: str
) -> None:
    show(read, changed("CT_small.dcm", **values), rows=128, columns=128)
    page = opened()
    page.keyboard.press("m")
    drag(page, (0.4, 0.4), (0.6, 0.6))
    expect(page.locator(".marks text.length")).to_have_text(re.compile(words))
    page.keyboard.press("Backspace")
    expect(page.locator(".marks text.length")).to_have_count(0)


def test_a_length_is_right_in_millimeters(opened: Callable[..., Page], read: Read) -> None:
    show(read, changed("CT_small.dcm", PixelSpacing=[0.5, 0.5]), rows=128, columns=128)
    page = opened()
    page.keyboard.press("m")
    stage = page.locator(".stage").first.bounding_box()
    assert stage is not None
    # 128 pixels of half a millimeter fill the height of the stage: half of it is 32 mm.
    drag(page, (0.5, 0.25), (0.5, 0.75))
    expect(page.locator(".marks text.length")).to_have_text("32.0 mm")


def test_a_box_is_drawn_stored_signed_and_amended(
    opened: Callable[..., Page], read: Read, rhea: User
) -> None:
    page = opened()
    page.keyboard.press("b")
    drag(page, (0.4, 0.4), (0.6, 0.6))
    expect(page.locator("[data-box-list] .chip")).to_have_count(1)
    expect(page.locator(f"#present-{read.condition.pk}")).to_be_checked()
    expect(page.locator("#review-saved")).to_contain_text("Draft saved")
    page.reload()
    page.wait_for_selector('[data-viewer="main"][data-ready]')
    expect(page.locator(".marks rect.box")).to_have_count(1)
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.locator(".signed-review")).to_contain_text("1 box")
    signed = Review.objects.get(reader=rhea, state=ReviewState.SIGNED)
    drawn = FindingBox.objects.get(finding__review=signed)
    assert (drawn.instance_id, drawn.left + drawn.width <= 120) == (read.instance.pk, True)
    expect(page.locator(".marks rect.box")).to_have_count(1)
    page.get_by_text("Amend", exact=True).click()
    page.get_by_label("Reason for the amendment").fill("Second look")
    page.get_by_role("button", name="Begin the amendment").click()
    page.get_by_role("button", name="Remove this box").click()
    expect(page.locator("#review-saved")).to_contain_text("Draft saved")
    assert FindingBox.objects.get().finding.review_id == signed.pk


def test_two_clicks_draw_as_well_as_a_drag(opened: Callable[..., Page]) -> None:
    page = opened()
    page.keyboard.press("b")
    stage = page.locator(".stage").first
    stage.click(position={"x": 300, "y": 200})
    expect(page.locator("[data-box-list] .chip")).to_have_count(0)
    stage.click(position={"x": 420, "y": 300})
    expect(page.locator("[data-box-list] .chip")).to_have_count(1)


def test_a_reason_to_differ_takes_one_tap(opened: Callable[..., Page], read: Read, rhea: User) -> None:
    page = opened()
    reason = page.locator("label", has_text="Artifact or device")
    expect(reason).to_be_hidden()
    page.keyboard.press("n")
    reason.click()
    expect(page.locator("#review-saved")).to_contain_text("Draft saved")
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.locator(".signed-review")).to_contain_text("Artifact or device")


def test_frames_are_turned_by_wheel_key_and_slider(opened: Callable[..., Page], read: Read) -> None:
    show(read, dicom("emri_small.dcm"), rows=64, columns=64, frame_count=10)
    page = opened()
    viewer = page.locator('[data-viewer="main"]')
    page.keyboard.press("PageDown")
    expect(viewer).to_have_attribute("data-frame", "1")
    page.locator(".stage").first.hover()
    page.mouse.wheel(0, 120)
    expect(viewer).to_have_attribute("data-frame", "3")
    page.locator("[data-frames]").fill("9")
    expect(viewer).to_have_attribute("data-frame", "9")
    expect(page.locator("[data-frame-number]")).to_have_text("10")
    page.keyboard.press("PageDown")
    expect(viewer).to_have_attribute("data-frame", "9")


def test_the_magnifier_follows_the_cursor(opened: Callable[..., Page]) -> None:
    page = opened()
    page.keyboard.press("g")
    plain = page.evaluate("document.querySelector('.stage canvas').toDataURL()")
    page.locator(".stage").first.hover()
    wait_in_page(page, "(plain) => document.querySelector('.stage canvas').toDataURL() !== plain", arg=plain)
    page.keyboard.press("g")
    wait_in_page(page, "(plain) => document.querySelector('.stage canvas').toDataURL() === plain", arg=plain)


def test_two_images_side_by_side_zoom_together_or_apart(
    opened: Callable[..., Page], read: Read, rhea: User
) -> None:
    SimilarInstanceFactory.create(analysis=read.analysis, instance=answered_study(rhea, seed=2).instance)
    page = opened()
    page.keyboard.press("s")
    beside = page.locator('[data-viewer="beside"]')
    expect(beside).to_have_attribute("data-ready", "true")
    zooms = page.locator("[data-readout]")
    fitted = zooms.nth(0).inner_text()
    page.keyboard.press("+")
    expect(zooms.nth(0)).not_to_have_text(fitted)
    expect(zooms.nth(1)).to_have_text(zooms.nth(0).inner_text())
    beside.locator(".stage").hover()
    page.mouse.wheel(0, -300)
    wait_in_page(
        page,
        "new Set([...document.querySelectorAll('[data-readout]')].map((one) => one.textContent)).size === 1",
    )
    page.keyboard.press("q")
    apart = zooms.nth(1).inner_text()
    page.keyboard.press("=")
    expect(zooms.nth(0)).not_to_have_text(apart)
    expect(zooms.nth(1)).to_have_text(apart)


def test_an_image_that_cannot_be_loaded_says_so(
    open_page: Callable[..., Page], rhea: User, read: Read
) -> None:
    page = sign_in(open_page(), rhea)
    page.route("**/values", lambda route: route.fulfill(status=503))
    page.goto(f"/studies/{read.study.pk}/")
    expect(page.locator("[data-stage-notice]").first).to_contain_text("could not be loaded")

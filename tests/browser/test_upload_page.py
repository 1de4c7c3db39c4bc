"""The upload page in the browser: many files at once, each with its verdict, and without JavaScript."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from diagnosis.models import Study
from tests.browser.conftest import sign_in
from tests.diagnosis.views.conftest import picture
from tests.factories import ModelVersionFactory

pytestmark = pytest.mark.browser


@pytest.fixture
def files(tmp_path: Path, rhea: User) -> list[Path]:
    """Return two images, one of them twice, and a text; there is one model to analyze them."""
    ModelVersionFactory.create()
    contents = {
        "a.png": picture(seed=1),
        "b.png": picture(seed=2),
        "copy.png": picture(seed=1),
        "n.dcm": b"note",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in contents]


def verdicts(page: Page) -> dict[str, str]:
    rows = page.locator("#verdicts .upload")
    return {
        row.locator(".upload-name").inner_text(): row.locator(".badge").inner_text() for row in rows.all()
    }


def test_each_file_gets_its_own_verdict(reader_page: Page, files: list[Path], rhea: User) -> None:
    reader_page.goto("/upload/")
    reader_page.locator("#files").set_input_files(files[:2])
    expect(reader_page.locator("#verdicts .badge.signed")).to_have_count(2)
    reader_page.locator("#files").set_input_files(files[2:])
    expect(reader_page.locator("#verdicts .badge.failed")).to_have_count(1)
    expect(reader_page.locator("[data-summary]")).to_have_text("2 accepted, 1 duplicate, 1 rejected")
    assert verdicts(reader_page) == {
        **{"a.png": "Accepted", "b.png": "Accepted"},
        **{"copy.png": "Duplicate", "n.dcm": "Rejected"},
    }
    expect(reader_page.locator(".upload.rejected .upload-message")).to_contain_text(
        "Send the image file itself."
    )
    assert Study.objects.filter(owner=rhea).count() == 2


def test_files_are_dropped_onto_the_page(reader_page: Page, files: list[Path]) -> None:
    reader_page.goto("/upload/")
    transfer = reader_page.evaluate_handle(
        """(numbers) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(numbers)], "dropped.png"));
          return transfer;
        }""",
        list(files[0].read_bytes()),
    )
    reader_page.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": transfer})
    expect(reader_page.locator("#verdicts .badge")).to_have_text("Accepted")


def test_a_lost_connection_can_be_sent_again(reader_page: Page, files: list[Path]) -> None:
    reader_page.goto("/upload/")
    reader_page.context.set_offline(True)
    reader_page.locator("#files").set_input_files(files[0])
    expect(reader_page.locator(".upload-message")).to_contain_text("The connection was lost.")
    reader_page.context.set_offline(False)
    reader_page.get_by_role("button", name="Send again").click()
    expect(reader_page.locator("#verdicts .badge")).to_have_text("Accepted")


def test_leaving_while_files_are_being_sent_is_asked_about(reader_page: Page, files: list[Path]) -> None:
    asked: list[str] = []
    reader_page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    reader_page.goto("/upload/")
    reader_page.route(
        "**/upload/", lambda route: None if route.request.method == "POST" else route.continue_()
    )
    reader_page.locator("#files").set_input_files(files[0])
    expect(reader_page.locator("#verdicts .badge")).to_have_text("Sending")
    reader_page.locator("h1").click()
    reader_page.goto("/profile/")
    assert asked == ["beforeunload"]


def test_it_works_without_javascript(open_page: Callable[..., Page], files: list[Path], rhea: User) -> None:
    page = sign_in(open_page(java_script_enabled=False), rhea)
    page.goto("/upload/")
    page.locator("#files").set_input_files([files[0], files[3]])
    page.get_by_role("button", name="Send").click()
    assert verdicts(page) == {"a.png": "Accepted", "n.dcm": "Rejected"}

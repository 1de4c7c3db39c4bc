"""The upload page in the browser: many files at once, each with its verdict, and without JavaScript."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from diagnosis.models import Study
from tests.browser.conftest import ANSWER_MS, sign_in
from tests.diagnosis.views.conftest import picture
from tests.factories import ModelVersionFactory
from tests.hostile.dicoms import changed

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


def send(page: Page, *files: Path) -> None:
    """Choose files, and send them after the look that comes first."""
    page.locator("#files").set_input_files(files)
    page.locator("[data-send-all]").click()


def test_each_file_gets_its_own_verdict(reader_page: Page, files: list[Path], rhea: User) -> None:
    reader_page.goto("/upload/")
    send(reader_page, *files[:2])
    expect(reader_page.locator("#verdicts .badge.signed")).to_have_count(2)
    send(reader_page, *files[2:])
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
    reader_page.get_by_role("button", name="Send 1 file").click()
    expect(reader_page.locator("#verdicts .badge")).to_have_text("Accepted")


def test_a_dropped_connection_costs_a_part_and_not_the_file(
    reader_page: Page, tmp_path: Path, rhea: User
) -> None:
    ModelVersionFactory.create()
    large = tmp_path / "large.png"
    large.write_bytes(picture(rows=2200, columns=2400))
    parts: list[int] = []

    def drop_once(route: Route) -> None:
        """Let the first part through, and drop the connection on the second, once."""
        if route.request.method == "PATCH":
            parts.append(int(route.request.headers["upload-offset"]))
        if len(parts) == 2 and route.request.method == "PATCH":
            route.abort("connectionreset")
        else:
            route.continue_()

    reader_page.goto("/upload/")
    reader_page.route("**/upload/parts/*/", drop_once)
    send(reader_page, large)
    expect(reader_page.locator("#verdicts .badge")).to_have_text("Accepted", timeout=ANSWER_MS)
    assert parts[:3] == [0, 4 * 2**20, 4 * 2**20]
    assert Study.objects.filter(owner=rhea).count() == 1


def test_sending_goes_on_by_itself_once_the_connection_is_back(reader_page: Page, files: list[Path]) -> None:
    reader_page.goto("/upload/")
    reader_page.context.set_offline(True)
    send(reader_page, files[0])
    expect(reader_page.locator("#verdicts .upload-message")).to_contain_text("goes on by itself")
    expect(reader_page.locator("#verdicts .badge")).to_have_text("Interrupted")
    reader_page.context.set_offline(False)
    expect(reader_page.locator("#verdicts .badge")).to_have_text("Accepted", timeout=ANSWER_MS)


def test_what_a_dicom_file_says_of_the_patient_is_shown_before_it_is_sent(
    reader_page: Page, tmp_path: Path, rhea: User
) -> None:
    ModelVersionFactory.create()
    file = tmp_path / "image.dcm"
    file.write_bytes(changed("CT_small.dcm", PatientName="Doe^Jane", InstitutionName="St. Elsewhere"))
    reader_page.goto("/upload/")
    reader_page.locator("#files").set_input_files(file)
    row = reader_page.locator("#ready .upload")
    expect(row.locator("[data-identity]")).to_have_text(
        re.compile(r"^DICOM: \d+ elements removed, \d+ replaced by pseudonyms, \d+ kept\.$")
    )
    expect(reader_page.get_by_role("button", name="Send 1 file")).to_be_focused()
    row.get_by_text("Which elements").click()
    expect(row.locator(".elements")).to_contain_text("Institution Name: St. Elsewhere")
    expect(row.locator(".elements")).to_contain_text("Patient's Name: Doe^Jane")
    assert not Study.objects.exists()
    row.get_by_role("button", name="Remove this file").click()
    expect(reader_page.locator("#ready-panel")).to_be_hidden()


def test_leaving_while_files_are_being_sent_is_asked_about(reader_page: Page, files: list[Path]) -> None:
    asked: list[str] = []
    reader_page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    reader_page.goto("/upload/")
    reader_page.route("**/upload/parts/", lambda route: None)
    send(reader_page, files[0])
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

"""The report in a real browser: the page, the file that comes down, and what a program reads in it."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from diagnosis.models import Review
from diagnosis.services.reviews import VerdictInput, save_draft, sign_review, start_review
from tests.browser.conftest import sign_in
from tests.diagnosis.views.conftest import Read, answered_study

pytestmark = pytest.mark.browser


@pytest.fixture
def read(rhea: User) -> Read:
    """Return an answered study."""
    return answered_study(rhea, probability=0.83)


@pytest.fixture
def signed(read: Read, rhea: User) -> Review:
    """Return its review, which agrees with the model."""
    given = [VerdictInput(read.condition, "present", "left lower lobe")]
    return sign_review(save_draft(start_review(read.study, by=rhea), by=rhea, verdicts=given), by=rhea)


def pages_of(file: Path) -> str:
    """Return the words of a PDF as a program of its own reads them."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed; Debian's package is poppler-utils")
    return subprocess.run(
        ["pdftotext", "-layout", str(file), "-"], check=True, capture_output=True, text=True
    ).stdout


def test_the_report_comes_down_as_a_pdf_that_says_the_same(
    open_page: Callable[..., Page], rhea: User, read: Read, signed: Review, tmp_path: Path
) -> None:
    page = sign_in(open_page(), rhea)
    page.goto(f"/studies/{read.study.pk}/")
    page.locator("#reviews").get_by_role("link", name="Report").click()
    page.wait_for_url("**/report/")
    shown = page.locator("main")
    version = str(read.analysis.model_version)
    facts = ("Pneumonia", "Present", "left lower lobe", "83 %", "Dr. Rhea Reader", version)
    for fact in facts:
        expect(shown).to_contain_text(fact)
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download as PDF").click()
    file = tmp_path / "report.pdf"
    coming.value.save_as(file)
    assert coming.value.suggested_filename.endswith(".pdf")
    written = pages_of(file)
    for fact in (*facts, "Not for stand-alone clinical decisions", str(signed.pk)):
        assert fact in " ".join(written.split())


def test_the_printed_page_leaves_out_what_only_a_screen_needs(
    open_page: Callable[..., Page], rhea: User, signed: Review
) -> None:
    page = sign_in(open_page(), rhea)
    page.goto(f"/reviews/{signed.pk}/report/")
    page.emulate_media(media="print")
    expect(page.get_by_role("link", name="Download as PDF")).to_be_hidden()
    expect(page.locator(".site-nav")).to_be_hidden()
    expect(page.get_by_text("Not for stand-alone clinical decisions").first).to_be_visible()

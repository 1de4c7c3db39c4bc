"""Every page at two widths: no serious barrier, nothing wider than the screen, and a picture to look at.

With MEDIMAGING_SCREENSHOTS set to a folder, the pictures are kept there.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from accounts.models import Role, User
from diagnosis.models import Analysis, AnalysisState, Finding, Review, ReviewState, SavedFilter
from diagnosis.services.claims import claim_study
from diagnosis.services.reviews import VerdictInput, save_draft, sign_review, start_review
from tests.browser.conftest import sign_in
from tests.diagnosis.views.conftest import answered_study
from tests.factories import ApiTokenFactory, SimilarInstanceFactory, UserFactory

pytestmark = pytest.mark.browser

SERIOUS = {"serious", "critical"}
OPEN_PAGES = [
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/inactive/",
    "/no/",
]
OWN_PAGES = [
    *(
        "/",
        "/?tab=failed",
        "/?q=nothing&tab=all",
        "/upload/",
        "/profile/",
        "/figures/",
        "/intended-use/",
        "/accounts/2fa/",
    ),
    *("/accounts/password/change/", "/accounts/sessions/", "/accounts/logout/"),
]
ALL_IMAGES = """Promise.all([...document.images].map((image) => {
  image.loading = "eager";
  return image.complete || new Promise((done) => { image.onload = image.onerror = done; });
}))"""
"""Loads the images that lie below the screen too, and waits for them."""
OFFICE_PAGES = ["/", "/figures/", "/models/"]
STUDIES = ["suggested", "signed", "withheld", "failed"]


@pytest.fixture
def studies(rhea: User) -> dict[str, str]:
    """Return the addresses of studies in each of the states that a page can show."""
    made = {name: answered_study(rhea, seed=seed) for seed, name in enumerate(STUDIES)}
    SimilarInstanceFactory.create(analysis=made["suggested"].analysis, instance=made["signed"].instance)
    draft = start_review(made["signed"].study, by=rhea)
    save_draft(draft, by=rhea, verdicts=[VerdictInput(made["signed"].condition, "absent", "clear")])
    sign_review(draft, by=rhea)
    Finding.objects.filter(analysis__in=[made["withheld"].analysis, made["failed"].analysis]).delete()
    Analysis.objects.filter(pk=made["withheld"].analysis.pk).update(
        state=AnalysisState.WITHHELD, withheld_reason="out_of_distribution", withheld_message="Too far."
    )
    Analysis.objects.filter(pk=made["failed"].analysis.pk).update(
        state=AnalysisState.FAILED, failure_code="unreadable_image", failure_message="The file is damaged."
    )
    ApiTokenFactory.create(user=rhea)
    SavedFilter.objects.create(user=rhea, name="Withheld", query="tab=all&state=withheld")
    colleague = UserFactory.create(full_name="Dr. Cora Colleague")
    made["suggested"].study.readers.add(colleague)
    claim_study(made["suggested"].study, by=colleague)
    return {name: f"/studies/{read.study.pk}/" for name, read in made.items()}


def inspect(page: Page, address: str, *, name: str, tmp_path: Path) -> None:
    """Open the page, take its picture, and fail on what keeps people out."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.evaluate(ALL_IMAGES)
    folder = Path(os.environ.get("MEDIMAGING_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    violations = Axe().run(page).response["violations"]
    found = [
        (rule["id"], [node["html"][:200] for node in rule["nodes"]])
        for rule in violations
        if rule["impact"] in SERIOUS
    ]
    assert not found, (address, found)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
        f"{address} is too wide"
    )


@pytest.mark.parametrize(("width", "theme"), [("wide", "dark"), ("phone", "light")])
def test_every_page_is_open_to_everybody(
    open_page: Callable[..., Page],
    rhea: User,
    studies: dict[str, str],
    width: str,
    theme: str,
    tmp_path: Path,
) -> None:
    page = open_page(width, color_scheme=theme)
    for address in OPEN_PAGES:
        slug = address.strip("/").replace("/", "-")
        inspect(page, address, name=f"{slug}-{width}-{theme}", tmp_path=tmp_path)
    sign_in(page, rhea)
    for address in OWN_PAGES:
        slug = address.strip("/").replace("/", "-").replace("?", "worklist-") or "worklist"
        inspect(page, address, name=f"{slug}-{width}-{theme}", tmp_path=tmp_path)
    for state, address in studies.items():
        inspect(page, address, name=f"study-{state}-{width}-{theme}", tmp_path=tmp_path)
    report = f"/reviews/{Review.objects.get(state=ReviewState.SIGNED).pk}/report/"
    inspect(page, report, name=f"report-{width}-{theme}", tmp_path=tmp_path)
    steward = UserFactory.create(role=Role.DATA_STEWARD, language="de")
    office = sign_in(open_page(width, color_scheme=theme), steward)
    for address in OFFICE_PAGES:
        slug = address.strip("/") or "worklist"
        inspect(office, address, name=f"office-{slug}-{width}-{theme}", tmp_path=tmp_path)


def test_the_chosen_theme_is_kept(open_page: Callable[..., Page], rhea: User) -> None:
    page = sign_in(open_page(color_scheme="dark"), rhea)
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.get_by_role("button", name="Switch between dark and light").click()
    page.goto("/upload/")
    assert page.locator("html").get_attribute("data-theme") == "light"
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != dark

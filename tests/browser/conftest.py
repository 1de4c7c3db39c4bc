"""A real browser on a real server, with a real worker where a test asks for one."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from mlcore.models import ModelVersion
from tests.factories import PASSWORD, UserFactory

# Playwright's synchronous interface runs an event loop in the thread of the tests.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]
WIDTHS = {"wide": (1440, 900), "phone": (390, 844)}
REFUSALS = ("Failed to load resource", "Response Status Error Code 4")
"""What the browser and htmx write down when the server refuses; the page says it too."""
expect.set_options(timeout=30_000)
ANSWER_MS = 60_000
"""How long a test waits for the worker's answer; the machine of a test may be slow."""
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Run one Chromium for the session, or skip where there is none."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}; install it or name it in CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page in its own session; an error in the browser fails the test."""
    contexts = []
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(REFUSALS):
            complaints.append(message.text)

    def open_one(width: str = "wide", **options: Any) -> Page:
        columns, rows = WIDTHS[width]
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": columns, "height": rows}, **options
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def rhea(live_server: LiveServer) -> User:
    """Return an active reader whose password the tests know."""
    return UserFactory.create(email="rhea@example.org", full_name="Dr. Rhea Reader")


def wait_in_page(page: Page, expression: str, *, arg: Any = None, seconds: float = 15) -> None:
    """Wait until a JavaScript expression or function holds.

    Playwright's own wait calls eval in the page, which the Content Security Policy forbids.
    """
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression, arg):
        assert time.monotonic() < deadline, f"it did not come true in time: {expression}"
        page.wait_for_timeout(50)


def fill_sign_in(page: Page, user: User) -> None:
    """Send the form that signs the user in."""
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_in(page: Page, user: User) -> Page:
    """Sign the user in by the form, and wait for the worklist."""
    fill_sign_in(page, user)
    page.wait_for_url("**/")
    return page


@pytest.fixture
def reader_page(open_page: Callable[..., Page], rhea: User) -> Page:
    """Return a page in which the reader is signed in."""
    return sign_in(open_page(), rhea)


@pytest.fixture
def served(live_server: LiveServer, worker: ModelVersion) -> ModelVersion:
    """Return the shipped model version, held by a worker beside the running site."""
    return worker

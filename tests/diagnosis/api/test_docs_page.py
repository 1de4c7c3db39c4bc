"""The browsable page of the API works under the site's content security policy."""

import os
from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from accounts.models import User
from tests.factories import UserFactory


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    # Playwright's loop runs in this thread, so Django has to be told that waiting here is meant.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        executable = os.environ.get("MEDIMAGING_CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=executable)
        yield browser.new_page()
        browser.close()


def sign_in(page: Page, *, address: str, user: User) -> None:
    client = Client()
    client.force_login(user)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}]
    )


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_page_renders_and_tries_out_a_call_under_the_policy(live_server: object, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(page, address=live_server.url, user=UserFactory.create(full_name="Rhea Reader"))
    page.goto(f"{live_server.url}/api/v1/docs/")
    page.wait_for_selector("#operations-instances-instances_create")

    page.click("#operations-me-me_retrieve .opblock-summary")
    page.click("#operations-me-me_retrieve .try-out__btn")
    page.click("#operations-me-me_retrieve .execute")
    page.wait_for_selector("#operations-me-me_retrieve .live-responses-table .response-col_status")
    shown = page.inner_text("#operations-me-me_retrieve .live-responses-table")
    assert "Rhea Reader" in shown

    new_token = "#operations-tokens-tokens_create"
    page.click(f"{new_token} .opblock-summary")
    page.click(f"{new_token} .try-out__btn")
    page.fill(f"{new_token} textarea", '{"name": "ward system", "scopes": ["read"]}')
    page.click(f"{new_token} .execute")
    page.wait_for_selector(f"{new_token} .live-responses-table .response-col_status")
    assert "mi_" in page.inner_text(f"{new_token} .live-responses-table .response .response-col_description")
    assert complaints == []


def test_a_stranger_is_sent_to_the_login(client: Client, db: None) -> None:
    response = client.get("/api/v1/docs/")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_the_page_needs_no_exception_from_the_policy_and_nothing_from_elsewhere(
    client: Client, reader: User
) -> None:
    client.force_login(reader)
    response = client.get("/api/v1/docs/")
    assert "unsafe" not in response["Content-Security-Policy"]
    assert b"<style" not in response.content
    assert b"//" not in response.content.replace(b"http://testserver", b"")

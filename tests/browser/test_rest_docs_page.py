"""The page to try the REST interface out works under the site's content security policy."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.browser.conftest import sign_in

pytestmark = pytest.mark.browser


def test_the_page_renders_and_tries_out_a_call_under_the_policy(
    live_server: LiveServer, open_page: Callable[..., Page], rhea: User
) -> None:
    page = open_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(page, rhea)
    page.goto(f"{live_server.url}/api/v1/docs/")
    page.wait_for_selector("#operations-instances-instances_create")

    page.click("#operations-me-me_retrieve .opblock-summary")
    page.click("#operations-me-me_retrieve .try-out__btn")
    page.click("#operations-me-me_retrieve .execute")
    page.wait_for_selector("#operations-me-me_retrieve .live-responses-table .response-col_status")
    shown = page.inner_text("#operations-me-me_retrieve .live-responses-table")
    assert rhea.full_name in shown

    new_token = "#operations-tokens-tokens_create"
    page.click(f"{new_token} .opblock-summary")
    page.click(f"{new_token} .try-out__btn")
    page.fill(f"{new_token} textarea", '{"name": "ward system", "scopes": ["read"]}')
    page.click(f"{new_token} .execute")
    page.wait_for_selector(f"{new_token} .live-responses-table .response-col_status")
    assert "mi_" in page.inner_text(f"{new_token} .live-responses-table .response .response-col_description")
    assert complaints == []

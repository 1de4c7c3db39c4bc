"""Pages of errors, the icon, and what the pages promise to the browser."""

import hashlib
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client, override_settings

VENDOR = Path(settings.BASE_DIR) / "static" / "vendor"


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "413", "429", "500", "503"])
def test_an_error_page_needs_no_database_and_says_what_to_do(name: str) -> None:
    text = render_to_string(f"{name}.html")
    assert "Back to the worklist" in text
    assert "components.css" in text


def test_an_unknown_address_is_answered_with_the_styled_page(client: Client, db: None) -> None:
    response = client.get("/no/such/page/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_a_form_that_is_too_large_is_refused_in_words(page: Client) -> None:
    response = page.post(
        "/worklist/filters/",
        "name=" + "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1),
        content_type="application/x-www-form-urlencoded",
    )
    assert response.status_code == 413
    assert "This is too large" in response.content.decode()


def test_too_many_attempts_to_sign_in_are_answered_with_the_styled_page(client: Client, db: None) -> None:
    with override_settings(ACCOUNT_RATE_LIMITS={"login": "1/m/ip"}):
        for _ in range(2):
            response = client.post("/accounts/login/", {"login": "a@example.org", "password": "wrong"})
    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()


def test_the_icon_is_found_where_browsers_look_for_it(client: Client) -> None:
    response = client.get("/favicon.ico")
    assert response.status_code in {301, 302}
    assert response["Location"].endswith("favicon.svg")


def test_templates_hold_no_inline_style_or_script() -> None:
    templates = Path(settings.BASE_DIR) / "templates"
    for path in templates.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=\"", text), path
        for script in re.findall(r"<script[^>]*>", text):
            assert "src=" in script, path


def test_vendored_files_are_the_ones_the_list_names() -> None:
    listed = re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", (VENDOR / "README.md").read_text(), re.M)
    assert listed
    for name, digest in listed:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
    files = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*.js")}
    assert files == {name for name, _ in listed}

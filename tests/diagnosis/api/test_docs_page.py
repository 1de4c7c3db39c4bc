"""The browsable page of the API is for people who are signed in; tests/browser tries it out."""

from django.test import Client

from accounts.models import User


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

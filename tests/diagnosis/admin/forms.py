"""Give an action of the administration pages, as a browser does it."""

from django.db import models
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse


def address(model: type[models.Model], page: str, *args: object) -> str:
    """Return the address of a page about `model`."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def perform(client: Client, action: str, *rows: models.Model, **answers: str) -> HttpResponse:
    """Choose rows and an action, see what is asked, answer it, and return the page that follows."""
    page = address(type(rows[0]), "changelist")
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    asked = client.post(page, chosen)
    assert asked.status_code == 200, asked
    assert b'name="reason"' in asked.content
    return client.post(page, {**chosen, "confirm": "1", **answers}, follow=True)  # type: ignore[return-value]


def said(answer: HttpResponse) -> str:
    """Return the messages on a page."""
    return " ".join(str(message) for message in answer.context["messages"])  # type: ignore[attr-defined]

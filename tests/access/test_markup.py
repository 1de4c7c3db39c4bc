"""What people and files say is text on every page, and never markup."""

import logging
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import transaction
from django.utils.html import escape

from accounts.models import AuditEntry, User
from accounts.services import audit
from tests.access.addresses import views
from tests.access.world import World, make_world
from tests.rest_fixture import own_rate_limits

__all__ = ["own_rate_limits"]

RAW = "<img src=x onerror=alert(1)>"
MARKUP = f"'\"></script>{RAW}"
OURS = ("accounts", "diagnosis", "mlcore")
NAMES_AND_NOTES = (
    *("comment", "description", "failure_message", "full_name", "intended_use", "mitigation", "name"),
    *("notes", "reason", "rejection_mend", "rejection_message", "risk", "withheld_message"),
)
"""Fields in which somebody's own words, or a file's, are kept."""


@pytest.fixture
def world(db: None) -> Iterator[World]:
    logging.disable(logging.CRITICAL)
    yield make_world()
    logging.disable(logging.NOTSET)


def write_markup_everywhere(by: User) -> int:
    """Let every text of every row be markup; return how many fields that are."""
    with transaction.atomic():  # the trail is only added to
        audit.record("study.open", by=by, target=by, reason=MARKUP)
    written = 0
    for model in (model for label in OURS for model in apps.get_app_config(label).get_models()):
        fields = [
            field
            for field in model._meta.concrete_fields
            if field.name in NAMES_AND_NOTES and not field.choices
        ]
        if fields and model is not AuditEntry:
            model._default_manager.update(**{field.name: MARKUP for field in fields})
            written += len(fields)
    return written


def test_no_page_shows_somebodys_words_as_markup(world: World) -> None:
    assert write_markup_everywhere(world.people["reader"]) > 20
    shown = 0
    for role in ("administrator", "reader"):
        client = world.client(role, api=False)
        for view in views():
            if view.is_api or "GET" not in view.methods or view.name == "account_logout":
                continue
            answer = client.get(view.address(world.values))
            if answer.streaming or not answer.get("Content-Type", "").startswith("text/html"):
                continue
            text = answer.content.decode()
            assert RAW not in text, (role, view.name)
            shown += escape(RAW) in text
    assert shown > 100, "the pages were asked about rows that they do not show"

"""Logs name no person."""

import json
import logging

import pytest
import structlog
from django.conf import settings

from medimaging.common.scrubbing import scrub_path, scrub_text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("sent to rhea.reader+x@example.org today", "sent to [address] today"),
        ("duplicate key\nDETAIL:  Key (name)=(Doe^Jane) exists.", "duplicate key\nDETAIL: [left out]"),
        ("token mi_abcdefghijklmnop refused", "token [token] refused"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_addresses_rows_and_tokens_are_left_out(text, left):
    assert scrub_text(text) == left


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("/studies/0b0e9e3c-1f57-4f0e-9d80-3f1d2b8a2f6e/", None),
        (
            "/accounts/password/reset/key/1-cs8abc-0123456789abcdef0123456789/",
            "/accounts/password/reset/key/[left out]/",
        ),
        ("/dicomweb/studies/1.2.840.113619.2.55.3.604688119/", "/dicomweb/studies/[left out]/"),
    ],
)
def test_a_path_keeps_our_own_ids_and_nothing_else_that_is_long(path, left):
    assert scrub_path(path) == (left or path)


def test_whoever_logs_an_address_it_does_not_arrive(capsys):
    settings_logger = logging.getLogger("somebody.elses")
    handler = logging.getLogger().handlers
    assert handler, "the site's logging is set up"
    formatter = next(h.formatter for h in handler if "ProcessorFormatter" in type(h.formatter).__name__)
    record = settings_logger.makeRecord(
        "somebody", logging.WARNING, __file__, 1, "mail to %s failed", ("jane@example.org",), None
    )
    entry = json.loads(formatter.format(record))
    assert entry["event"] == "mail to [address] failed"
    assert entry["level"] == "warning"
    assert settings.LOG_LEVEL
    assert structlog.is_configured()

"""Requests that nobody would send break no endpoint: a bounded run against the live site."""

import re

import pytest
from pytest_django.live_server_helper import LiveServer
from rest_framework.throttling import SimpleRateThrottle

from accounts.models import Role
from tests.access.world import make_world
from tests.factories import ApiTokenFactory, UserFactory
from tests.rest_fuzz import fuzz

SECONDS = 25
"""How long requests are thrown at the site; the longer run is `python -m tests.rest_fuzz`."""


def test_no_request_breaks_an_endpoint_or_gets_an_answer_that_is_not_described(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = {"anon": "100000/min", "user": "100000/min"}
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", rates)
    make_world()
    token = ApiTokenFactory.create(user=UserFactory.create(role=Role.ADMINISTRATOR)).secret
    done = fuzz(live_server.url, token=token, examples=3, seed=7, seconds=SECONDS)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    sent = re.search(r"(\d+) generated", done.stdout)
    assert sent is not None, done.stdout[-3000:]
    assert int(sent[1]) >= 50, done.stdout[-3000:]

"""What the site answers is what openapi.yaml promises, at every address that is read, for one row of each."""

import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import schemathesis
from django.http import HttpResponse

from tests.access.addresses import View, views
from tests.access.world import World, make_world
from tests.rest_fixture import own_rate_limits
from tests.rest_fuzz import DESCRIPTION

__all__ = ["own_rate_limits"]

WHO = ("administrator", "reader")
"""Whoever of them is shown the row."""
WITHOUT_FILES = ["/api/v1/datasets/{id}/compare/{other}", "/api/v1/exports/{id}/download"]
"""What the rows' files are needed for; tests of their own read them."""


@pytest.fixture
def world(db: None) -> Iterator[World]:
    logging.disable(logging.CRITICAL)
    yield make_world()
    logging.disable(logging.NOTSET)


def read_operations() -> list[Any]:
    description = schemathesis.openapi.from_path(DESCRIPTION)
    found = (operation.ok() for operation in description.get_all_operations())
    return [operation for operation in found if operation.method.upper() == "GET"]


def address_of(operation: Any, world: World, known: list[View]) -> str:
    """Return the address of the row that there is; the longest literal match is the operation's own."""
    template = re.compile(re.sub(r"\{\w+\}", "[^/]+", operation.path))
    addresses = [view.address(world.values) for view in known if view.name.startswith("api:")]
    return next(one for one in addresses if template.fullmatch(one))


def as_received(answer: HttpResponse, address: str) -> httpx.Response:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    request = httpx.Request("GET", f"http://testserver{address}")
    received = httpx.Response(
        answer.status_code, headers=dict(answer.items()), content=content, request=request
    )
    received.elapsed = timedelta(0)
    return received


def test_every_row_is_answered_as_described(world: World) -> None:
    known = views()
    unread = []
    for operation in read_operations():
        address = address_of(operation, world, known)
        answers = [
            as_received(world.client(role, api=True).get(address), address)  # type: ignore[arg-type]
            for role in WHO
        ]
        for answer in answers:
            operation.validate_response(answer)
        shown = [answer for answer in answers if answer.status_code == 200]
        if not any(answer.content and b'"results":[]' not in answer.content for answer in shown):
            unread.append(operation.path)
    assert unread == WITHOUT_FILES

"""Every address of the site, with every method, as every role and as a stranger.

What is expected stands in `expectations.txt`, one view a line, one letter for each of
`ROLES`, in their order:

    o  let in: answered, redirected, or told what is wrong with the request
    l  sent to sign in          u  401, unknown
    f  403, not allowed         n  404, does not exist for them
    m  405, not offered

A view without a line fails the test. To add one, run the test with
MEDIMAGING_WRITE_MATRIX=1, which writes what the site does now, and look at each letter of
the new lines before you commit them: who is let in must be who should be.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.template.response import SimpleTemplateResponse
from django.test import Client

from tests.access.addresses import View, views
from tests.access.world import ROLES, Form, World, make_world
from tests.rest_fixture import own_rate_limits

__all__ = ["own_rate_limits"]

EXPECTATIONS = Path(__file__).with_name("expectations.txt")
GROUPS = ("admin", "api", "pages")
LETTERS = {401: "u", 403: "f", 404: "n", 405: "m"}
TOLD = {400, 409, 410, 411, 412, 413, 415, 422, 428}
"""What somebody is answered who was let in, and sent nothing useful."""
JSON: dict[str, Any] = {"data": "{}", "content_type": "application/json"}
WRITES = bool(os.environ.get("MEDIMAGING_WRITE_MATRIX"))
HOW_TO = (
    "is not in tests/access/expectations.txt. Decide who may use it, run the test with "
    "MEDIMAGING_WRITE_MATRIX=1, and check the letters of the new lines."
)


def group_of(view: View) -> str:
    if view.route.startswith("admin/"):
        return "admin"
    return "api" if view.is_api else "pages"


def read_expectations() -> dict[str, dict[str, str]]:
    lines = [line for line in EXPECTATIONS.read_text().splitlines() if line and not line.startswith("#")]
    return {
        name: dict(word.split("=") for word in words) for name, *words in (line.split() for line in lines)
    }


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Return the world, in which nothing is logged and no page of the administration is drawn.

    Who is let in stands before a page is drawn, and drawing is most of the time.
    """
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    logging.disable(logging.CRITICAL)
    yield make_world()
    logging.disable(logging.NOTSET)


def letter_of(response: HttpResponse) -> str:
    status = response.status_code
    if status == 302 and response["Location"].startswith(("/accounts/login/", "/admin/login/")):
        return "l"
    if status < 400 or status in TOLD:
        return "o"
    return LETTERS.get(status, str(status))


def ask(client: Client, method: str, address: str, *, form: Form | None = None) -> str:
    """Return what one request is answered with; what it changed is undone."""
    cookies = client.cookies.copy()
    cache.clear()
    with transaction.atomic():
        if form is not None:
            fields, headers = form
            response = client.post(address, fields, headers=headers)
        else:
            response = client.generic(
                method, address, **JSON if "HTTP_AUTHORIZATION" in client.defaults else {}
            )
        if getattr(response, "streaming", False):
            b"".join(response.streaming_content)  # type: ignore[attr-defined]
        transaction.set_rollback(True)
    client.cookies = cookies
    return letter_of(response)  # type: ignore[arg-type]


def ask_for(world: World, view: View, method: str, client: Client) -> str:
    form = world.forms.get(view.name) if method == "POST" else None
    return ask(client, method, view.address(world.values), form=form)


def observe(world: World, group: str) -> dict[str, dict[str, str]]:
    """Return, for each view of the group and each method, one letter for each role."""
    clients = {role: world.client(role, api=group == "api") for role in ROLES}
    return {
        view.name: {
            method: "".join(ask_for(world, view, method, clients[role]) for role in ROLES)
            for method in view.methods
        }
        for view in views()
        if group_of(view) == group
    }


@pytest.mark.parametrize("group", GROUPS)
def test_everybody_gets_where_they_may_and_nowhere_else(world: World, group: str) -> None:
    expected = read_expectations()
    observed = observe(world, group)
    if WRITES:
        write(expected | observed)
    missing = sorted(set(observed) - set(expected))
    assert WRITES or not missing, f"{', '.join(missing)} {HOW_TO}"
    differing = {
        f"{method} {name}": f"expected {expected[name].get(method)}, got {letters}"
        for name, methods in observed.items()
        for method, letters in methods.items()
        if not WRITES and expected[name].get(method) != letters
    }
    assert not differing, f"In the order {' '.join(ROLES)}: {differing}"


def test_no_line_speaks_of_a_view_that_is_gone() -> None:
    assert set(read_expectations()) <= {view.name for view in views()}


def test_no_expectation_lets_an_outsider_in() -> None:
    """The letters themselves keep some rules, whoever wrote them."""
    for name, methods in read_expectations().items():
        for method, letters in methods.items():
            assert set(letters) <= set("olufnm"), (name, method, letters)
            if (
                name.startswith(("admin:", "admin/", "diagnosis:", "api:", "dicomweb:"))
                and name not in OPEN_TO_ALL
            ):
                for role in ("pending", "suspended", "anonymous"):
                    assert letters[ROLES.index(role)] != "o", (name, method, role)
            if name.startswith(("admin:", "admin/")) and name not in OPEN_TO_ALL:
                for role in ("reader", "integrator", "stranger"):
                    assert letters[ROLES.index(role)] != "o", (name, method, role)


OPEN_TO_ALL = {"admin:login", "admin:logout", "admin:jsi18n", "diagnosis:favicon"}


@pytest.mark.parametrize("method", ["DELETE", "PROPFIND"])
def test_pages_answer_to_no_other_method(world: World, method: str) -> None:
    client = world.client("administrator", api=False)
    for view in views():
        if group_of(view) != "api" and method not in view.methods:
            assert ask(client, method, view.address(world.values)) == "m", (method, view.name)


def write(found: dict[str, dict[str, str]]) -> None:
    known = {view.name for view in views()}
    lines = [
        " ".join([name, *(f"{method}={letters}" for method, letters in found[name].items())])
        for name in sorted(found)
        if name in known
    ]
    head = f"# {' '.join(ROLES)}: what the letters mean stands in test_matrix.py\n"
    EXPECTATIONS.write_text(head + "\n".join(lines) + "\n")

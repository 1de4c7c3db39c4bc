"""The OpenAPI description is whole, kept in the repository, and served."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from rest_framework.test import APIClient

from accounts.models import User
from tests.rest_fixture import Api, assert_problem

KEPT = settings.BASE_DIR / "openapi.yaml"
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def described() -> dict[str, Any]:
    described: dict[str, Any] = yaml.safe_load(KEPT.read_text())
    return described


def test_the_description_in_the_repository_is_the_one_that_the_code_gives(tmp_path: Path) -> None:
    made = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(made))
    assert made.read_text() == KEPT.read_text(), "Run: manage.py spectacular --file openapi.yaml"


def operations(described: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_every_operation_needs_a_token_or_a_session_and_may_answer_with_a_problem(
    described: dict[str, Any],
) -> None:
    assert described["components"]["securitySchemes"]["bearerToken"]["scheme"] == "bearer"
    for path, method, operation in operations(described):
        assert {"bearerToken": []} in operation["security"], (path, method)
        assert operation["responses"]["4XX"] == {"$ref": "#/components/responses/Problem"}
        assert operation["description"], (path, method)


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    references = set(re.findall(r"#/components/(\w+)/([\w.-]+)", KEPT.read_text()))
    assert ("responses", "Problem") in references
    for kind, name in references:
        assert name in described["components"][kind], (kind, name)


def test_every_post_takes_an_idempotency_key(described: dict[str, Any]) -> None:
    posts = [operation for _, method, operation in operations(described) if method == "post"]
    assert len(posts) >= 8
    for operation in posts:
        assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]]


def test_addresses_are_described_without_a_slash_at_the_end(described: dict[str, Any]) -> None:
    assert [path for path in described["paths"] if path.endswith("/")] == ["/api/v1/"]


def test_the_description_is_served_to_users_alone(api: Api, reader: User) -> None:
    served = api(reader).get("/api/v1/schema/")
    assert served.status_code == 200
    assert yaml.safe_load(served.content)["info"]["title"] == "medimaging"
    assert_problem(APIClient().get("/api/v1/schema/"), 401, "not_authenticated")

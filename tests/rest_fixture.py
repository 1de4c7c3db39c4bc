"""What the tests of the REST interface share: clients with tokens, and everybody who must stay out."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.models import ApiToken, Scope, User, UserStatus
from tests.factories import ApiTokenFactory, UserFactory

Api = Callable[..., APIClient]
PROBLEM_TYPE = "application/problem+json"


@pytest.fixture(autouse=True)
def own_rate_limits(settings: Settings) -> None:
    """Count requests for each test alone."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid.uuid4().hex,
        }
    }


@pytest.fixture
def api(db: None) -> Api:
    """Return a function that makes a client with a token of the user."""

    def make(user: User, *, scopes: list[str] | None = None) -> APIClient:
        values = {} if scopes is None else {"scopes": scopes}
        token = ApiTokenFactory.create(user=user, **values)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token.secret}")  # type: ignore[attr-defined]
        return client

    return make


@pytest.fixture
def session(db: None) -> Callable[[User], APIClient]:
    """Return a function that makes a client with a browser session of the user, CSRF checked."""

    def make(user: User) -> APIClient:
        client = APIClient(enforce_csrf_checks=True)
        client.force_login(user)
        token = "c" * 32
        client.cookies["csrftoken"] = token
        client.credentials(HTTP_X_CSRFTOKEN=token)
        return client

    return make


def assert_problem(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """Check that the response is a problem document with this status and code, and return it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == PROBLEM_TYPE
    body: dict[str, Any] = response.json()  # type: ignore[attr-defined]
    assert body["status"] == status
    assert body["code"] == code, body
    assert body["title"]
    assert body["detail"]
    return body


def assert_outsiders_stay_out(call: Callable[[APIClient], HttpResponse], *, api: Api, scope: Scope) -> None:
    """Check that nobody gets in without a token, with a dead one, or with one that lacks `scope`."""
    anonymous = call(APIClient())
    assert_problem(anonymous, 401, "not_authenticated")
    assert anonymous["WWW-Authenticate"].startswith("Bearer")

    made_up = APIClient()
    made_up.credentials(HTTP_AUTHORIZATION="Bearer mi_" + "x" * 43)
    assert_problem(call(made_up), 401, "authentication_failed")

    outsider = UserFactory.create()
    lacking = api(outsider, scopes=[other for other in Scope.values if other != scope])
    assert_problem(call(lacking), 403, "insufficient_scope")

    suspended = api(outsider)
    revoked = api(outsider)
    ApiToken.objects.filter(user=outsider).order_by("-created_at")[:1].get().delete()
    assert_problem(call(revoked), 401, "authentication_failed")
    User.objects.filter(pk=outsider.pk).update(status=UserStatus.SUSPENDED)
    assert_problem(call(suspended), 401, "authentication_failed")

"""What the tests of users and access share."""

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from tests.factories import PASSWORD, UserFactory


@pytest.fixture(autouse=True)
def fresh_limits() -> Iterator[None]:
    """Forget what rate limits have counted."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def second_administrator(db: None) -> User:
    """Return another active administrator."""
    return UserFactory.create(email="second@example.org", full_name="Sam Second", role=Role.ADMINISTRATOR)


@pytest.fixture
def auditor(db: None) -> User:
    """Return an active auditor."""
    return UserFactory.create(email="auditor@example.org", full_name="Otto Auditor", role=Role.AUDITOR)


@pytest.fixture
def log_in() -> Callable[..., Client]:
    """Return a function that logs a user in through the page, as a browser does."""

    def by_page(user: User, *, password: str = PASSWORD) -> Client:
        client = Client()
        client.post(reverse("account_login"), {"login": user.email, "password": password})
        return client

    return by_page

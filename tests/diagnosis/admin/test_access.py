"""Who gets into the administration of studies and models, and what they can do there."""

from collections.abc import Callable

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse

from accounts.models import User
from diagnosis.models import Analysis, Condition
from mlcore.models import ExaminationType
from tests.diagnosis.admin.conftest import make_rows

MODELS = [model for app in ("diagnosis", "mlcore") for model in apps.get_app_config(app).get_models()]
EDITED_HERE = {Condition, ExaminationType}
LogIn = Callable[[User], Client]


def address(model: type[models.Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def pages_of(model: type[models.Model]) -> list[str]:
    row = model._default_manager.first()
    assert row is not None
    return [address(model, "changelist"), address(model, "change", row.pk), address(model, "history", row.pk)]


def every_page() -> list[str]:
    return [page for model in MODELS for page in pages_of(model)]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_its_pages(model: type[models.Model]) -> None:
    assert admin.site.is_registered(model)


@pytest.mark.parametrize("role", ["administrator", "steward", "auditor"])
def test_staff_see_every_page(
    role: str, request: pytest.FixtureRequest, analysis: Analysis, log_in: LogIn
) -> None:
    client = log_in(request.getfixturevalue(role))
    answers = {page: client.get(page).status_code for page in every_page()}
    assert set(answers.values()) == {200}, answers


@pytest.mark.parametrize("role", ["reader", "charlie"])
def test_readers_and_strangers_see_no_page(
    role: str, request: pytest.FixtureRequest, analysis: Analysis, log_in: LogIn
) -> None:
    client = log_in(request.getfixturevalue(role))
    answers = {page: client.get(page).status_code for page in [reverse("admin:index"), *every_page()]}
    assert set(answers.values()) <= {302, 403}, answers


def test_nobody_sees_a_page_without_signing_in(client: Client, analysis: Analysis) -> None:
    for page in every_page():
        answer = client.get(page)
        assert answer.status_code == 302
        assert "login" in answer["Location"]


@pytest.mark.parametrize("model", [model for model in MODELS if model not in EDITED_HERE])
@pytest.mark.parametrize("role", ["administrator", "steward", "auditor"])
def test_facts_are_neither_added_nor_deleted(
    model: type[models.Model], role: str, request: pytest.FixtureRequest, analysis: Analysis, log_in: LogIn
) -> None:
    client = log_in(request.getfixturevalue(role))
    row = model._default_manager.first()
    assert row is not None
    assert client.get(address(model, "add")).status_code == 403
    assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", MODELS)
def test_an_auditor_can_save_nothing(
    model: type[models.Model], auditor: User, analysis: Analysis, log_in: LogIn
) -> None:
    client = log_in(auditor)
    row = model._default_manager.first()
    assert row is not None
    before = model._default_manager.filter(pk=row.pk).values().get()
    assert client.post(address(model, "change", row.pk), {"name": "changed"}).status_code == 403
    assert client.post(address(model, "add"), {"name": "new"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).values().get() == before


def test_an_auditor_is_offered_no_action(auditor: User, analysis: Analysis, log_in: LogIn) -> None:
    client = log_in(auditor)
    for model in MODELS:
        assert b'name="action"' not in client.get(address(model, "changelist")).content


@pytest.mark.parametrize("model", MODELS)
def test_a_list_costs_the_same_number_of_queries_however_long_it_is(
    model: type[models.Model],
    administrator: User,
    log_in: LogIn,
    django_assert_num_queries: Callable[..., object],
    django_assert_max_num_queries: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One page for all: the keys of a page are read first where there is a second one.
    monkeypatch.setattr(admin.site.get_model_admin(model), "list_per_page", 1000)
    client = log_in(administrator)
    make_rows(2)
    page = address(model, "changelist")
    client.get(page)
    with django_assert_max_num_queries(12) as short:  # type: ignore[attr-defined]
        client.get(page)
    make_rows(6)
    with django_assert_num_queries(len(short)):  # type: ignore[attr-defined]
        assert client.get(page).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_no_list_counts_its_whole_table(
    model: type[models.Model], administrator: User, analysis: Analysis, log_in: LogIn
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = log_in(administrator)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get(address(model, "changelist"))
    counts = [query["sql"] for query in asked if query["sql"].startswith("SELECT COUNT(")]
    assert counts
    assert all("LIMIT" in sql for sql in counts), counts

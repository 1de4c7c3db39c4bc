"""Webhooks over REST: own ones alone, the secret once, private addresses never."""

import uuid

import pytest
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.models import DeliveryState, Role, Scope, User, WebhookDelivery, WebhookEndpoint
from tests.factories import UserFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

URL = "/api/v1/webhooks"
NEW = {"url": "http://10.0.0.7/hook", "events": ["analysis.finished"]}


@pytest.fixture(autouse=True)
def inside(settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["10.0.0.0/8"]


@pytest.fixture
def integrator(db: None) -> User:
    return UserFactory.create(role=Role.INTEGRATOR)


def test_an_integrator_makes_a_webhook_and_sees_its_secret_once(integrator: User, api: Api) -> None:
    client = api(integrator)
    made = client.post(URL, NEW, HTTP_IDEMPOTENCY_KEY="one")
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    shown = client.get(made["Location"])
    assert shown.json()["events"] == ["analysis.finished"]
    assert "secret" not in shown.json()
    assert client.post(URL, NEW, HTTP_IDEMPOTENCY_KEY="one").json()["secret"] is None
    assert WebhookEndpoint.objects.count() == 1


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "https://169.254.169.254/", "x", "http://10.0.0.7\x00/"]
)
def test_an_address_that_is_not_allowed_is_refused(integrator: User, api: Api, url: str) -> None:
    refused = api(integrator).post(URL, {**NEW, "url": url})
    assert 400 <= refused.status_code < 500
    assert not WebhookEndpoint.objects.exists()


def test_strangers_and_auditors_stay_out(integrator: User, charlie: User, api: Api) -> None:
    made = api(integrator).post(URL, NEW).json()
    address = f"{URL}/{made['id']}"
    delivery = WebhookDelivery.objects.create(
        endpoint_id=uuid.UUID(made["id"]), event="analysis.finished", body="{}", state=DeliveryState.FAILED
    )
    redeliver = f"/api/v1/webhook-deliveries/{delivery.pk}/redeliver"
    stranger = api(charlie)
    assert_problem(stranger.get(address), 404, "not_found")
    assert_problem(stranger.delete(address), 404, "not_found")
    assert_problem(stranger.post(f"{address}/rotate-secret"), 404, "not_found")
    assert_problem(stranger.post(f"{address}/enable"), 404, "not_found")
    assert_problem(stranger.post(redeliver), 404, "not_found")
    assert stranger.get(URL).json()["results"] == []
    assert stranger.get("/api/v1/webhook-deliveries").json()["results"] == []
    assert_problem(api(UserFactory.create(role=Role.AUDITOR)).post(URL, NEW), 403, "not_allowed")
    assert_outsiders_stay_out(lambda client: client.get(URL), api=api, scope=Scope.READ)

    def make(client: APIClient) -> object:
        return client.post(URL, NEW)

    assert_outsiders_stay_out(make, api=api, scope=Scope.WEBHOOKS)  # type: ignore[arg-type]


def test_a_message_is_listed_and_sent_again(integrator: User, api: Api) -> None:
    client = api(integrator)
    made = client.post(URL, NEW).json()
    delivery = WebhookDelivery.objects.create(
        endpoint_id=made["id"], event="analysis.finished", body="{}", state=DeliveryState.FAILED
    )
    (listed,) = client.get(f"/api/v1/webhook-deliveries?webhook={made['id']}&state=failed").json()["results"]
    assert listed["message_id"] == delivery.message_id
    assert client.post(f"/api/v1/webhook-deliveries/{delivery.pk}/redeliver").status_code == 202
    again = client.post(f"/api/v1/webhook-deliveries/{delivery.pk}/redeliver")
    assert_problem(again, 409, "still_pending")


def test_rotating_and_deleting(integrator: User, api: Api) -> None:
    client = api(integrator)
    made = client.post(URL, NEW).json()
    rotated = client.post(f"{URL}/{made['id']}/rotate-secret").json()
    assert rotated["secret"] != made["secret"]
    assert_problem(client.post(f"{URL}/{made['id']}/enable"), 409, "conflict")
    assert client.delete(f"{URL}/{made['id']}").status_code == 204
    assert not WebhookEndpoint.objects.exists()

"""Webhooks reach a real receiver, signed, once for each event its owner may know of."""

import json
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from accounts import pipeline
from accounts.models import DeliveryState, User, UserStatus, WebhookDelivery, WebhookEndpoint, WebhookEvent
from accounts.services import webhooks
from accounts.services.users import suspend_user
from medimaging.common.errors import Conflict, NotAllowed
from tests.factories import UserFactory
from tests.receiver import Receiver, receiving


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with receiving() as listening:
        yield listening


@pytest.fixture
def endpoint(reader: User, receiver: Receiver) -> WebhookEndpoint:
    return webhooks.create_endpoint(by=reader, url=receiver.url, events=["review.signed"])


def announce(may_know: Callable[[User], bool] = lambda user: True) -> WebhookDelivery:
    (delivery,) = webhooks.announce(WebhookEvent.REVIEW_SIGNED, data={"review": "r1"}, may_know=may_know)
    return delivery


def make_due() -> None:
    WebhookDelivery.objects.update(next_attempt_at=timezone.now())


def test_a_message_is_signed_as_the_scheme_says(endpoint: WebhookEndpoint, receiver: Receiver) -> None:
    delivery = announce()
    pipeline.deliver(str(delivery.pk))
    ((path, headers, body),) = receiver.received
    assert path == "/hook?of=us"
    verified = Webhook(endpoint.signing_secret).verify(body, headers)
    assert verified["type"] == "review.signed"
    assert verified["data"] == {"review": "r1"}
    assert headers["webhook-id"] == delivery.message_id
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.signing_secret).verify(body + " ", headers)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DELIVERED
    (attempt,) = delivery.attempts.all()
    assert (attempt.status, attempt.error) == (204, "")


def test_what_failed_is_tried_again_later_each_time_and_given_up_in_the_end(
    endpoint: WebhookEndpoint, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_RETRY_SECONDS = (5, 60)
    receiver.answers = [500, 302, 404]
    delivery = announce()
    waits = []
    for _ in range(3):
        before = timezone.now()
        pipeline.deliver(str(delivery.pk))
        delivery.refresh_from_db()
        waits.append((delivery.next_attempt_at - before).total_seconds())
        pipeline.deliver(str(delivery.pk))  # not due, so nothing happens
        make_due()
    assert 5 <= waits[0] <= 10
    assert 60 <= waits[1] <= 80
    assert delivery.state == DeliveryState.FAILED
    assert [attempt.status for attempt in delivery.attempts.order_by("id")] == [500, 302, 404]
    assert len({headers["webhook-id"] for _, headers, _ in receiver.received}) == 1


def test_a_message_given_up_is_redelivered_under_the_same_id(
    endpoint: WebhookEndpoint, receiver: Receiver, reader: User, settings: Settings
) -> None:
    settings.WEBHOOK_RETRY_SECONDS = ()
    receiver.answers = [500]
    delivery = announce()
    pipeline.deliver(str(delivery.pk))
    delivery.refresh_from_db()
    webhooks.redeliver(delivery, by=reader)
    with pytest.raises(Conflict, match="waits"):
        webhooks.redeliver(delivery, by=reader)
    pipeline.deliver(str(delivery.pk))
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DELIVERED
    (_, first, body), (_, second, again) = receiver.received
    assert (first["webhook-id"], body) == (second["webhook-id"], again)


def test_two_processes_send_a_message_once(endpoint: WebhookEndpoint, receiver: Receiver) -> None:
    delivery = announce()
    assert pipeline._claim(str(delivery.pk)) is not None
    pipeline.deliver(str(delivery.pk))
    assert receiver.received == []
    WebhookDelivery.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    assert pipeline.due_deliveries() == [str(delivery.pk)]


def test_an_address_that_is_gone_is_disabled(
    endpoint: WebhookEndpoint, receiver: Receiver, reader: User
) -> None:
    receiver.answers = [410]
    pipeline.deliver(str(announce().pk))
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is not None
    assert webhooks.announce(WebhookEvent.REVIEW_SIGNED, data={}, may_know=lambda user: True) == []
    webhooks.enable_endpoint(endpoint, by=reader)
    assert announce().state == DeliveryState.PENDING


def test_only_who_may_know_and_listens_is_told(endpoint: WebhookEndpoint, charlie: User) -> None:
    nobody = lambda user: user.pk == charlie.pk  # noqa: E731
    assert webhooks.announce(WebhookEvent.REVIEW_SIGNED, data={}, may_know=nobody) == []
    everybody = lambda user: True  # noqa: E731
    assert webhooks.announce(WebhookEvent.ANALYSIS_FINISHED, data={}, may_know=everybody) == []


def test_a_suspended_owner_is_told_nothing_even_of_what_waits(
    endpoint: WebhookEndpoint, receiver: Receiver, reader: User, administrator: User
) -> None:
    delivery = announce()
    suspend_user(reader, by=administrator, reason="left")
    pipeline.deliver(str(delivery.pk))
    assert pipeline.due_deliveries() == []
    assert receiver.received == []
    assert webhooks.announce(WebhookEvent.REVIEW_SIGNED, data={}, may_know=lambda user: True) == []


def test_the_secret_is_in_no_table_and_another_one_after_it_was_rotated(
    endpoint: WebhookEndpoint, reader: User, receiver: Receiver
) -> None:
    before = endpoint.signing_secret
    stored = json.dumps(WebhookEndpoint.objects.values()[0], default=str)
    assert before.removeprefix("whsec_") not in stored
    webhooks.rotate_secret(endpoint, by=reader)
    assert endpoint.signing_secret != before
    pipeline.deliver(str(announce().pk))
    ((_, headers, body),) = receiver.received
    Webhook(endpoint.signing_secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(before).verify(body, headers)


def test_an_address_that_became_private_gets_nothing(
    endpoint: WebhookEndpoint, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    delivery = announce()
    pipeline.deliver(str(delivery.pk))
    assert receiver.received == []
    assert delivery.attempts.get().error == "This address is not a public one."


def test_what_ended_long_ago_is_forgotten(endpoint: WebhookEndpoint) -> None:
    old, waits = announce(), announce()
    WebhookDelivery.objects.filter(pk=old.pk).update(state=DeliveryState.DELIVERED)
    WebhookDelivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    pipeline.due_deliveries()
    assert list(WebhookDelivery.objects.all()) == [waits]


@pytest.mark.parametrize("act", [webhooks.delete_endpoint, webhooks.rotate_secret])
def test_nobody_touches_the_webhook_of_another(
    endpoint: WebhookEndpoint, charlie: User, reader: User, act: Callable[..., Any]
) -> None:
    outsider = UserFactory.create(status=UserStatus.SUSPENDED)
    for user in (charlie, outsider):
        with pytest.raises(NotAllowed):
            act(endpoint, by=user)


@pytest.mark.django_db(transaction=True)
def test_a_slow_name_server_holds_no_transaction(reader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is whoever's who enters it, and so is the server that is asked for it."""
    asked_within: list[bool] = []

    def answer(*_: Any, **__: Any) -> list[Any]:
        asked_within.append(connection.in_atomic_block)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    made = webhooks.create_endpoint(by=reader, url="https://hooks.example.org/x", events=["review.signed"])
    webhooks.disable_endpoint(made, by=reader, reason="It is moved.")
    webhooks.enable_endpoint(made, by=reader)
    assert asked_within == [False, False]

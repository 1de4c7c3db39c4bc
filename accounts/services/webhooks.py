"""Endpoints that are told of events, and the messages to them."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from accounts import tasks
from accounts.models import DeliveryState, User, WebhookDelivery, WebhookEndpoint, WebhookEvent
from accounts.services import audit
from medimaging.common.errors import ApplicationError, Conflict, NotAllowed
from medimaging.common.outbound import checked_url

MOST_ENDPOINTS = 10


@transaction.atomic
def announce(
    event: WebhookEvent, *, data: Mapping[str, object], may_know: Callable[[User], bool]
) -> list[WebhookDelivery]:
    """Queue a message to every endpoint that listens, in the transaction of what it tells of.

    `data` holds ids and nothing else; `may_know` says whether the owner of an
    endpoint may see what they name.
    """
    body = json.dumps(
        {"type": event.value, "timestamp": timezone.now(), "data": dict(data)}, cls=DjangoJSONEncoder
    )
    endpoints = WebhookEndpoint.objects.listening().select_related("owner")
    told = [
        WebhookDelivery.objects.create(endpoint=endpoint, event=event, body=body)
        for endpoint in endpoints
        if event.value in endpoint.events and may_know(endpoint.owner)
    ]
    for delivery in told:
        _signal(delivery)
    return told


def create_endpoint(*, by: User, url: str, events: Iterable[str]) -> WebhookEndpoint:
    """Enter an address; its secret is shown to whoever made it, this once."""
    if not by.uploads_images:
        raise NotAllowed("Your role has no webhooks.")
    wanted = _known(events)
    # A name server may take its time, and no transaction may hold the database until it answers.
    checked_url(url)
    return _enter(by, url=url, events=wanted)


@transaction.atomic
def _enter(by: User, *, url: str, events: list[str]) -> WebhookEndpoint:
    if WebhookEndpoint.objects.filter(owner=by).count() >= MOST_ENDPOINTS:
        raise Conflict(
            f"There are {MOST_ENDPOINTS} webhooks already.",
            code="too_many_webhooks",
            mend="Delete one first.",
        )
    endpoint = WebhookEndpoint.objects.create(owner=by, url=url, events=events)
    audit.record("webhook.create", by=by, target=endpoint, details={"url": url, "events": events})
    return endpoint


@transaction.atomic
def delete_endpoint(endpoint: WebhookEndpoint, *, by: User) -> None:
    """Remove an address with the log of what was sent to it."""
    _require_owner(endpoint, by=by)
    audit.record("webhook.delete", by=by, target=endpoint, details={"url": endpoint.url})
    endpoint.delete()


@transaction.atomic
def rotate_secret(endpoint: WebhookEndpoint, *, by: User) -> WebhookEndpoint:
    """Sign with another secret from now on."""
    _require_owner(endpoint, by=by)
    endpoint.secret_number += 1
    endpoint.save(update_fields=["secret_number"])
    audit.record("webhook.rotate_secret", by=by, target=endpoint)
    return endpoint


@transaction.atomic
def disable_endpoint(endpoint: WebhookEndpoint, *, by: User, reason: str) -> WebhookEndpoint:
    """Send nothing to the address any more; what waits for it waits."""
    _require_owner(endpoint, by=by)
    if endpoint.disabled_at is not None:
        raise Conflict("This webhook is disabled already.")
    endpoint.disabled_at, endpoint.disabled_because = timezone.now(), reason[:200]
    endpoint.save(update_fields=["disabled_at", "disabled_because"])
    audit.record("webhook.disable", by=by, target=endpoint, reason=reason)
    return endpoint


def enable_endpoint(endpoint: WebhookEndpoint, *, by: User, reason: str = "") -> WebhookEndpoint:
    """Send to the address again, what waited included."""
    _require_owner(endpoint, by=by)
    if endpoint.disabled_at is None:
        raise Conflict("This webhook is not disabled.")
    checked_url(endpoint.url)
    endpoint.disabled_at, endpoint.disabled_because = None, ""
    with transaction.atomic():
        endpoint.save(update_fields=["disabled_at", "disabled_because"])
        audit.record("webhook.enable", by=by, target=endpoint, reason=reason)
    return endpoint


@transaction.atomic
def redeliver(delivery: WebhookDelivery, *, by: User, reason: str = "") -> WebhookDelivery:
    """Send a message again, under the same id, from the start of the schedule."""
    _require_owner(delivery.endpoint, by=by)
    if delivery.state == DeliveryState.PENDING:
        raise Conflict("This message waits to be sent already.", code="still_pending")
    delivery.transition_to(
        DeliveryState.PENDING, attempt_count=0, next_attempt_at=timezone.now(), finished_at=None
    )
    audit.record("webhook.redeliver", by=by, target=delivery, reason=reason)
    _signal(delivery)
    return delivery


def _signal(delivery: WebhookDelivery) -> None:
    transaction.on_commit(partial(tasks.signal_delivery, str(delivery.pk)))


def _require_owner(endpoint: WebhookEndpoint, *, by: User) -> None:
    if not by.is_active or (by.pk != endpoint.owner_id and not by.is_superuser):
        raise NotAllowed("Only its owner or an administrator may change a webhook.")


def _known(events: Iterable[str]) -> list[str]:
    wanted = sorted(set(events))
    if not wanted or not set(wanted) <= set(WebhookEvent.values):
        raise ApplicationError(
            "A webhook needs at least one event, and only known ones.",
            code="invalid_events",
            mend=f"Choose from {', '.join(WebhookEvent.values)}.",
        )
    return wanted

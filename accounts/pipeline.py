"""What machines do with webhooks: deliver, try again later, and give up in the end."""

import time
from datetime import UTC, timedelta
from secrets import SystemRandom
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from accounts.models import DeliveryState, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from medimaging.common import outbound
from medimaging.common.errors import ApplicationError

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=2 * outbound.TOTAL_SECONDS)
"""For how long nobody else takes up a message that a process tries to deliver."""
DUE_AT_ONCE = 100
KEPT_FOR = timedelta(days=30)
GONE = 410


def deliver(delivery_id: str) -> None:
    """Try once to deliver a message that is due; one that is not is left alone."""
    delivery = _claim(delivery_id)
    if delivery is None:
        return
    status, error, milliseconds = _send(delivery)
    _enter(delivery, status=status, error=error, milliseconds=milliseconds)


def due_deliveries() -> list[str]:
    """Return the ids of messages to be tried now, and forget those that ended long ago."""
    now = timezone.now()
    old = WebhookDelivery.objects.filter(created_at__lt=now - KEPT_FOR)
    old.exclude(state=DeliveryState.PENDING).delete()
    due = WebhookDelivery.objects.filter(
        state=DeliveryState.PENDING,
        next_attempt_at__lte=now,
        endpoint__in=WebhookEndpoint.objects.listening(),
    )
    return [str(pk) for pk in due.order_by("next_attempt_at").values_list("pk", flat=True)[:DUE_AT_ONCE]]


def _claim(delivery_id: str) -> WebhookDelivery | None:
    """Take the message for this process; whoever comes second finds it not yet due."""
    now = timezone.now()
    due = WebhookDelivery.objects.filter(
        pk=UUID(delivery_id),
        state=DeliveryState.PENDING,
        next_attempt_at__lte=now,
        endpoint__in=WebhookEndpoint.objects.listening(),
    )
    if not due.update(next_attempt_at=now + LEASE):
        return None
    return WebhookDelivery.objects.select_related("endpoint").get(pk=UUID(delivery_id))


def _send(delivery: WebhookDelivery) -> tuple[int | None, str, int]:
    """Send the message, signed as the Standard Webhooks scheme says; return status, error, milliseconds."""
    now = timezone.now().astimezone(UTC)
    signature = Webhook(delivery.endpoint.signing_secret).sign(delivery.message_id, now, delivery.body)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "medimaging-webhooks/1",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    began = time.monotonic()
    status, error = None, ""
    try:
        status = outbound.post(delivery.endpoint.url, body=delivery.body, headers=headers)
    except outbound.Unreachable as failure:
        error = str(failure)
    except ApplicationError as failure:
        error = failure.message
    return status, error, round((time.monotonic() - began) * 1000)


@transaction.atomic
def _enter(delivery: WebhookDelivery, *, status: int | None, error: str, milliseconds: int) -> None:
    WebhookAttempt.objects.create(
        delivery=delivery, status=status, error=error[:200], duration_ms=milliseconds
    )
    tried = delivery.attempt_count + 1
    now = timezone.now()
    schedule = settings.WEBHOOK_RETRY_SECONDS
    if status is not None and 200 <= status < 300:
        delivery.transition_to(DeliveryState.DELIVERED, attempt_count=tried, finished_at=now)
    elif status == GONE or tried > len(schedule):
        delivery.transition_to(DeliveryState.FAILED, attempt_count=tried, finished_at=now)
    else:
        wait = schedule[tried - 1] * SystemRandom().uniform(1.0, 1.2)  # so that not all come back at once
        WebhookDelivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING).update(
            attempt_count=tried, next_attempt_at=now + timedelta(seconds=wait)
        )
    if status == GONE:
        WebhookEndpoint.objects.filter(pk=delivery.endpoint_id, disabled_at=None).update(
            disabled_at=now, disabled_because="The address answered 410 Gone."
        )
    log.info("webhook_attempt", delivery=str(delivery.pk), status=status, error=error, attempt=tried)

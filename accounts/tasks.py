"""Wires between Celery and webhooks. A task carries ids only and makes one call."""

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from accounts import pipeline

log = structlog.get_logger(__name__)


@shared_task(name="accounts.deliver")
def deliver(delivery_id: str) -> None:
    """Try to deliver one message; trying twice at once is harmless."""
    pipeline.deliver(delivery_id)


@shared_task(name="accounts.deliver_due")
def deliver_due() -> None:
    """Try again what is due, and what was never started."""
    for delivery_id in pipeline.due_deliveries():
        signal_delivery(delivery_id)


def signal_delivery(delivery_id: str) -> None:
    """Tell the broker that a message waits; where it cannot be told, the clock does it."""
    try:
        deliver.apply_async((delivery_id,), retry=False)
    except (OperationalError, OSError) as error:
        log.warning("broker_unreachable", delivery=delivery_id, error=type(error).__name__)

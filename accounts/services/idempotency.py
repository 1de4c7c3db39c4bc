"""Do a repeated request once: the first one claims the key, the next ones get its answer."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import IdempotentRequest, User
from medimaging.common.errors import ApplicationError, Conflict

KEPT_FOR = timedelta(hours=24)
CLAIMED_FOR = timedelta(minutes=3)
"""After this long an unanswered request is taken to have died with its process."""


class KeyReused(ApplicationError):
    """The key was used before, for another request."""

    code = "idempotency_key_reused"
    mend = "Use a new Idempotency-Key for each new request, and repeat a key only with the same body."


class StillRunning(Conflict):
    """The first request with the key has not been answered yet."""

    code = "idempotency_still_running"
    mend = "Repeat the request in a moment."


@dataclass(frozen=True)
class Answer:
    """What a request was answered with."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


def claim(
    user: User, *, key: str, method: str, path: str, fingerprint: str
) -> tuple[IdempotentRequest, Answer | None]:
    """Take the key for one request, or return the answer that the first one got.

    Raises:
        KeyReused: the first request with the key had another query or body.
        StillRunning: the first request is still being answered.
    """
    now = timezone.now()
    IdempotentRequest.objects.filter(expires_at__lte=now).delete()
    name = {
        "user": user,
        "key_hash": hashlib.sha256(key.encode()).hexdigest(),
        "method": method,
        "path": path,
    }
    try:
        with transaction.atomic():
            return IdempotentRequest.objects.create(
                **name, fingerprint=fingerprint, claimed_at=now, expires_at=now + KEPT_FOR
            ), None
    except IntegrityError:
        first = IdempotentRequest.objects.filter(**name).first()
    if first is None:  # answered with an error, and released, between the two statements
        raise StillRunning("A request with this Idempotency-Key was running a moment ago.")
    if first.fingerprint != fingerprint:
        raise KeyReused("This Idempotency-Key was used before, for another request.")
    if first.answer_status is not None:
        return first, Answer(first.answer_status, first.answer_body, first.answer_headers)
    return _take_over(first), None


def store_answer(request: IdempotentRequest, answer: Answer) -> None:
    """Keep the answer for whoever repeats the request; one who lost the claim stores nothing."""
    IdempotentRequest.objects.filter(pk=request.pk, claimed_at=request.claimed_at, answer_status=None).update(
        answer_status=answer.status, answer_body=answer.body, answer_headers=answer.headers
    )


def release(request: IdempotentRequest) -> None:
    """Give the key back, because the request came to no answer."""
    IdempotentRequest.objects.filter(
        pk=request.pk, claimed_at=request.claimed_at, answer_status=None
    ).delete()


def _take_over(first: IdempotentRequest) -> IdempotentRequest:
    """Claim what a dead process left; exactly one repeat gets it."""
    now = timezone.now()
    abandoned = IdempotentRequest.objects.filter(
        pk=first.pk, claimed_at=first.claimed_at, claimed_at__lt=now - CLAIMED_FOR, answer_status=None
    )
    if not abandoned.update(claimed_at=now):
        raise StillRunning("The first request with this Idempotency-Key is still running.")
    first.claimed_at = now
    return first

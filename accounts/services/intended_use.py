"""Keep that somebody has read what the models are for, and what they are not for."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import audit


@transaction.atomic
def acknowledge_intended_use(user: User, *, by: User, words: Sequence[str]) -> User:
    """Record that the user has read `words`; doing it twice records it once."""
    unread = User.objects.filter(pk=user.pk, intended_use_acknowledged_at=None)
    if unread.update(intended_use_acknowledged_at=timezone.now()):
        audit.record("user.acknowledge_intended_use", by=by, target=user, details={"words": list(words)})
    user.refresh_from_db(fields=["intended_use_acknowledged_at"])
    return user

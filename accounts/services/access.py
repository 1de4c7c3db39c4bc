"""End what a user has open."""

from dataclasses import dataclass

from allauth.usersessions.models import UserSession
from django.db.models import F
from django.utils import timezone

from accounts.models import ApiToken, User


@dataclass(frozen=True, kw_only=True)
class EndedAccess:
    """How much was open."""

    sessions: int
    tokens: int


def end_access(user: User) -> EndedAccess:
    """Close every session and revoke every token of `user`, in the caller's transaction.

    Raising the epoch ends the sessions that no row lists; the rows that do list
    one are removed, so that nothing is left to come back to.
    """
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    sessions = list(UserSession.objects.filter(user=user))
    for session in sessions:
        session.end()
    tokens = ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    return EndedAccess(sessions=len(sessions), tokens=tokens)

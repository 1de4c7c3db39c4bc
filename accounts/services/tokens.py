"""Make, find and revoke API tokens."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ApiToken, Role, Scope, User
from accounts.services import audit
from medimaging.common.errors import ApplicationError, Conflict, NotAllowed

PREFIX = "mi_"
SHOWN = 10
LONGEST_NAME = 100
LONGEST_SECRET = 100
LONGEST_LIFE = timedelta(days=365)
MOST_TOKENS = 50
LAST_USED_PRECISION = timedelta(minutes=1)


@transaction.atomic
def create_token(
    user: User, *, name: str, scopes: Iterable[str], expires_at: datetime, by: User
) -> tuple[ApiToken, str]:
    """Make a token and return it with its secret, which is shown this once and never stored.

    Users make their own; an administrator makes those of an integrator, which
    is a system and does not log in.
    """
    _check_maker(user, by=by)
    name, wanted = name.strip(), sorted({str(scope) for scope in scopes})
    _check_contents(name=name, scopes=wanted, expires_at=expires_at)
    if ApiToken.objects.usable().filter(user=user).count() >= MOST_TOKENS:
        raise Conflict(
            _("There are %(most)d usable tokens already.") % {"most": MOST_TOKENS},
            code="too_many_tokens",
            mend=_("Revoke one first."),
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    token: ApiToken = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=secret[:SHOWN],
        token_hash=hash_secret(secret),
        scopes=wanted,
        expires_at=expires_at,
    )
    details = {"name": name, "scopes": wanted, "expires_at": expires_at, "user": user.pk}
    audit.record("token.create", by=by, target=token, details=details)
    return token, secret


@transaction.atomic
def revoke_token(token: ApiToken, *, by: User, reason: str = "") -> None:
    """Close a token for good; closing it twice is no error."""
    if by.pk != token.user_id and not by.is_superuser:
        raise NotAllowed(_("Only its user or an administrator may revoke a token."))
    now = timezone.now()
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
        token.revoked_at = now
        audit.record("token.revoke", by=by, target=token, reason=reason.strip())


def find_token(secret: str) -> ApiToken | None:
    """Return the usable token with this secret, and note that it was used, to the minute."""
    if not secret.startswith(PREFIX) or len(secret) > LONGEST_SECRET:
        return None
    found = ApiToken.objects.usable().select_related("user").filter(token_hash=hash_secret(secret))
    token: ApiToken | None = found.first()
    if token is None:
        return None
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at >= LAST_USED_PRECISION:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
        token.last_used_at = now
    return token


def hash_secret(secret: str) -> str:
    """Return what is stored; a fast hash is enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check_maker(user: User, *, by: User) -> None:
    if not by.is_active or not user.is_active:
        raise NotAllowed(_("Only an active user has tokens."))
    if by.pk != user.pk and not (by.is_superuser and user.role == Role.INTEGRATOR):
        raise NotAllowed(_("Users make their own tokens; an administrator makes those of integrators."))


def _check_contents(*, name: str, scopes: list[str], expires_at: datetime) -> None:
    if not 0 < len(name) <= LONGEST_NAME:
        raise ApplicationError(_("A token needs a name of 1 to 100 characters."), code="invalid_name")
    if not scopes or not set(scopes) <= set(Scope.values):
        raise ApplicationError(
            _("A token needs at least one scope, and only known ones."),
            code="invalid_scopes",
            mend=_("Choose from %(scopes)s.") % {"scopes": ", ".join(Scope.values)},
        )
    now = timezone.now()
    if not now < expires_at <= now + LONGEST_LIFE:
        raise ApplicationError(
            _("A token must expire in the future and within %(days)d days.") % {"days": LONGEST_LIFE.days},
            code="invalid_expiry",
        )

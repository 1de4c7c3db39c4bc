"""Make, find and revoke API tokens."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.services import audit

PREFIX = "mi_"
LAST_USED_PRECISION = timedelta(minutes=1)


@transaction.atomic
def create_token(
    user: User, *, name: str, scopes: Iterable[str], expires_at: datetime, by: User
) -> tuple[ApiToken, str]:
    """Make a token and return it with its secret, which is shown this once and never stored."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=secret[:10],
        token_hash=hash_secret(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    audit.record("token.create", by=by, target=token, details={"name": name, "scopes": token.scopes})
    return token, secret


@transaction.atomic
def revoke_token(token: ApiToken, *, by: User, reason: str = "") -> None:
    """Close a token for good; closing it twice is no error."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit.record("token.revoke", by=by, target=token, reason=reason)


def find_token(secret: str) -> ApiToken | None:
    """Return the usable token with this secret, and note that it was used."""
    token = ApiToken.objects.usable().select_related("user").filter(token_hash=hash_secret(secret)).first()
    if token is None:
        return None
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > LAST_USED_PRECISION:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def hash_secret(secret: str) -> str:
    """Return what is stored; a fast hash is enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()

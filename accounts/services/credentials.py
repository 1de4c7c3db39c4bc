"""What an administrator does to how a user gets in: sessions, tokens, password, second factor."""

from functools import partial

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils import timezone

from accounts.models import ApiToken, User, UserStatus
from accounts.services import audit, mails
from accounts.services.users import authorize, record_end, stated
from medimaging.common.errors import Conflict


@transaction.atomic
def log_out_everywhere(user: User, *, by: User | None, reason: str = "") -> User:
    """End every session and token; users may do this to themselves."""
    if by is None or by.pk != user.pk:
        authorize(user, by=by)
    record_end("user.log_out_everywhere", user, by=by, reason=reason.strip())
    return user


@transaction.atomic
def remove_second_factor(user: User, *, by: User | None, reason: str) -> User:
    """Take away a lost second factor, so that the user can sign in and set up another."""
    reason = stated(reason)
    authorize(user, by=by)
    removed, _ = Authenticator.objects.filter(user=user).delete()
    if not removed:
        raise Conflict("This user has no second factor.", code="no_second_factor")
    record_end("user.remove_second_factor", user, by=by, reason=reason)
    return user


@transaction.atomic
def revoke_tokens(user: User, *, by: User | None, reason: str) -> int:
    """Revoke every token of the user, who stays signed in; return how many there were."""
    reason = stated(reason)
    authorize(user, by=by)
    revoked = ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    if not revoked:
        raise Conflict("This user has no token that could be revoked.", code="no_token")
    details = {"tokens_revoked": revoked}
    audit.record("user.revoke_tokens", by=by, target=user, reason=reason, details=details)
    return revoked


@transaction.atomic
def force_password_reset(user: User, *, by: User | None, reason: str) -> User:
    """Make the password useless, end everything that is open, and send a link to set another one."""
    reason = stated(reason)
    authorize(user, by=by)
    if user.status != UserStatus.ACTIVE:
        raise Conflict(
            f"This user is {user.status}; only an active one sets a password.", code="user_not_active"
        )
    user.set_unusable_password()
    user.save(update_fields=["password"])
    record_end("user.force_password_reset", user, by=by, reason=reason)
    transaction.on_commit(partial(mails.send_reset, user), robust=True)
    return user

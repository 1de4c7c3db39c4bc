"""What an administrator does to users: admit, stop, bring back, and change what they may do."""

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import Role, User, UserStatus
from accounts.services import audit, mails
from accounts.services.access import end_access
from medimaging.common.errors import ApplicationError, Conflict, NotAllowed
from medimaging.common.states import IllegalTransition, LostRace


@transaction.atomic
def create_user(*, email: str, full_name: str, role: str, by: User | None, reason: str = "") -> User:
    """Make an active user without a password and send them a link to set one.

    The administrator vouches for the address, so it counts as verified.
    """
    authorize(None, by=by)
    email = _address(email)
    if User.objects.filter(email=email).exists():
        raise Conflict("A user with this address exists already.", code="email_taken")
    user = User.objects.create_user(email, full_name=full_name, role=_role(role), status=UserStatus.ACTIVE)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    audit.record("user.create", by=by, target=user, reason=reason, details={"role": user.role})
    transaction.on_commit(partial(mails.send_invitation, user), robust=True)
    return user


@transaction.atomic
def approve_user(user: User, *, by: User | None, reason: str = "", role: str | None = None) -> User:
    """Let a registered user in, in `role` where one is given, and tell them so."""
    authorize(user, by=by)
    _expect(user, UserStatus.PENDING, wanted=UserStatus.ACTIVE)
    user.transition_to(UserStatus.ACTIVE, role=_role(role or user.role))
    audit.record("user.approve", by=by, target=user, reason=reason.strip(), details={"role": user.role})
    transaction.on_commit(partial(mails.send_approval, user), robust=True)
    return user


@transaction.atomic
def suspend_user(user: User, *, by: User | None, reason: str) -> User:
    """Keep an active user out until they are reinstated; sessions and tokens end at once."""
    return _shut_out(user, UserStatus.SUSPENDED, action="user.suspend", by=by, reason=reason)


@transaction.atomic
def reject_user(user: User, *, by: User | None, reason: str) -> User:
    """Refuse somebody who registered; the account is closed and the address stays taken."""
    reason = stated(reason)
    authorize(user, by=by)
    _expect(user, UserStatus.PENDING, wanted=UserStatus.DEACTIVATED)
    return _shut_out(user, UserStatus.DEACTIVATED, action="user.reject", by=by, reason=reason)


@transaction.atomic
def deactivate_user(user: User, *, by: User | None, reason: str) -> User:
    """Close an account for good; what the user did stays."""
    return _shut_out(user, UserStatus.DEACTIVATED, action="user.deactivate", by=by, reason=reason)


@transaction.atomic
def reinstate_user(user: User, *, by: User | None, reason: str) -> User:
    """Let a suspended user sign in again."""
    reason = stated(reason)
    authorize(user, by=by)
    _expect(user, UserStatus.SUSPENDED, wanted=UserStatus.ACTIVE)
    user.transition_to(UserStatus.ACTIVE)
    audit.record("user.reinstate", by=by, target=user, reason=reason)
    return user


@transaction.atomic
def change_role(user: User, *, role: str, by: User | None, reason: str) -> User:
    """Give the user another role; they sign in again to use it, and their tokens end."""
    reason = stated(reason)
    administrators = authorize(user, by=by)
    before, after = user.role, _role(role)
    if before == after:
        raise Conflict(f"This user is in the role {Role(after).label} already.", code="same_role")
    if after != Role.ADMINISTRATOR:
        _keep_one(administrators, without=user)
    if not User.objects.filter(pk=user.pk, role=before).update(role=after):
        raise LostRace(f"This user is no longer in the role {Role(before).label}.")
    user.role = after
    record_end("user.change_role", user, by=by, reason=reason, details={"before": before, "after": after})
    return user


def _shut_out(user: User, status: str, *, action: str, by: User | None, reason: str) -> User:
    reason = stated(reason)
    administrators = authorize(user, by=by)
    _keep_one(administrators, without=user)
    before = user.status
    user.transition_to(status)
    record_end(action, user, by=by, reason=reason, details={"before": before})
    return user


def record_end(
    action: str, user: User, *, by: User | None, reason: str, details: Mapping[str, Any] | None = None
) -> None:
    """End what the user has open and write down how much it was."""
    ended = end_access(user)
    counts = {"sessions_ended": ended.sessions, "tokens_revoked": ended.tokens}
    audit.record(action, by=by, target=user, reason=reason, details={**(details or {}), **counts})


def authorize(user: User | None, *, by: User | None) -> set[uuid.UUID]:
    """Return the active administrators, locked; refuse an actor who is not one or acts on themselves.

    The lock orders administrators who act on each other at the same moment: the
    second one finds themselves no longer among them. `by` is None for a command
    run on the server.
    """
    active = User.objects.filter(role=Role.ADMINISTRATOR, status=UserStatus.ACTIVE)
    administrators = set(active.select_for_update().order_by("pk").values_list("pk", flat=True))
    if by is None:
        return administrators
    if by.pk not in administrators:
        raise NotAllowed("Only an administrator may do this.")
    if user is not None and user.pk == by.pk:
        raise NotAllowed(
            "Nobody changes their own status, role or second factor.", mend="Ask another administrator."
        )
    return administrators


def _keep_one(administrators: set[uuid.UUID], *, without: User) -> None:
    if administrators == {without.pk}:
        raise Conflict(
            "This is the last active administrator.",
            code="last_administrator",
            mend="Make another user an administrator first.",
        )


def _expect(user: User, status: str, *, wanted: str) -> None:
    if user.status != status:
        raise IllegalTransition(f"This user is {user.status}, not {status}, and cannot become {wanted}.")


def stated(reason: str) -> str:
    """Return the reason; refuse an empty one."""
    if not reason.strip():
        raise ApplicationError(
            "A reason is missing.", code="reason_required", mend="Say why; it is kept in the audit trail."
        )
    return reason.strip()


def _role(role: str) -> str:
    if role not in Role.values:
        raise ApplicationError(
            "There is no such role.", code="unknown_role", mend=f"Choose one of {', '.join(Role.values)}."
        )
    return str(role)


def _address(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise ApplicationError(
            "This is not an email address.", code="invalid_email", mend="An example is name@example.org."
        ) from error
    return email

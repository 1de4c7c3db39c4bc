"""What users change about themselves."""

from django.db import transaction

from accounts.models import User
from accounts.services import audit


@transaction.atomic
def update_profile(
    user: User, *, by: User, full_name: str, time_zone: str, blind_first: bool, language: str = ""
) -> User:
    """Store the user's own choices; what did not change is not recorded."""
    values = {
        "full_name": full_name,
        "time_zone": time_zone,
        "language": language,
        "blind_first": blind_first,
    }
    changed = {name: value for name, value in values.items() if value != getattr(user, name)}
    if not changed:
        return user
    before = {name: getattr(user, name) for name in changed}
    for name, value in changed.items():
        setattr(user, name, value)
    user.save(update_fields=list(changed))
    audit.record("user.edit", by=by, target=user, details={"before": before, "after": changed})
    return user


@transaction.atomic
def store_key_bindings(user: User, *, by: User, bindings: dict[str, str]) -> None:
    """Store the user's own hot keys, by action."""
    before, user.key_bindings = user.key_bindings, bindings
    if before == bindings:
        return
    user.save(update_fields=["key_bindings"])
    changes = {"before": {"key_bindings": before}, "after": {"key_bindings": bindings}}
    audit.record("user.edit", by=by, target=user, details=changes)

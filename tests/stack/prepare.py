"""Set an installation up: tables, the shipped model and a second version of it, users with tokens.

Run as a program in the environment of the installation; prints one line of JSON.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import django
from django.core.management import call_command


def main() -> None:
    """Set up, and print secrets and ids by name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medimaging.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    from accounts.models import Role
    from diagnosis.services.installation import install_shipped

    (first,) = install_shipped()
    second = second_version(first)
    made = {"first_version": str(first.pk), "second_version": str(second.pk)}
    for name, role in (("reader", Role.READER), ("stranger", Role.READER), ("admin", Role.ADMINISTRATOR)):
        made[name] = token_of_new_user(name, role)
    sys.stdout.write(json.dumps(made) + "\n")


def token_of_new_user(name: str, role: str) -> str:
    """Enter an active user and return the secret of a token that may do all the user may."""
    from django.utils import timezone

    from accounts.models import Scope, User, UserStatus
    from accounts.services.tokens import create_token

    user = User.objects.create_user(
        f"{name}@example.org",
        f"a password of {name}",
        full_name=f"{name.title()} Of-The-Stack",
        role=role,
        status=UserStatus.ACTIVE,
    )
    tomorrow = timezone.now() + timedelta(days=1)
    _, secret = create_token(user, name="stack", scopes=list(Scope.values), expires_at=tomorrow, by=user)
    return secret


def second_version(first: object) -> object:
    """Register the same network under another name, and let both have answered once."""
    from django.conf import settings

    from mlcore.engine import artifacts
    from mlcore.services.registry import activate_version, register_artifact

    (path,) = Path(settings.SHIPPED_MODELS_DIR).glob("*.mmodel")
    artifact = artifacts.load_artifact(path, expected_sha256=artifacts.file_sha256(path))
    renamed = dataclasses.replace(artifact.facts, name=f"{artifact.facts.name}, again")
    copy = Path(settings.VAR_DIR) / "again.mmodel"
    artifacts.write_artifact(copy, facts=renamed, settings=artifact.settings, members=artifact.members)
    second = register_artifact(copy, by=None, activate=True)
    first.refresh_from_db()
    activate_version(first, by=None, reason="The first one answers again.")
    return second


if __name__ == "__main__":
    main()

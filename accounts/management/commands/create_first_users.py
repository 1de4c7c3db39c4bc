"""Make the users that a fresh installation starts with."""

import secrets
from argparse import ArgumentParser
from typing import Any

from allauth.account.models import EmailAddress
from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.models import Role, User, UserStatus
from accounts.services import audit

ADMINISTRATOR = "admin@medimaging.local"
READER = "reader@medimaging.local"
RANDOM_BYTES = 15


class Command(BaseCommand):
    """Makes a first administrator and a demonstration reader, once."""

    help = "Make a first administrator and a demonstration reader, and print their passwords this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take other addresses than the usual ones."""
        parser.add_argument("--administrator", default=ADMINISTRATOR, metavar="EMAIL")
        parser.add_argument("--reader", default=READER, metavar="EMAIL", help="empty for none")

    def handle(self, *args: Any, administrator: str, reader: str, **options: Any) -> None:
        """Make whoever is missing and print a block with their passwords."""
        with transaction.atomic():
            made = []
            if not User.objects.filter(role=Role.ADMINISTRATOR).exists():
                made.append(_make(administrator, name="First Administrator", role=Role.ADMINISTRATOR))
                if reader and not User.objects.filter(email=reader.lower()).exists():
                    made.append(_make(reader, name="Demonstration Reader", role=Role.READER))
        if not made:
            self.stdout.write("The first users exist already.")
            return
        rule = "=" * 72
        lines = [f"  {user.get_role_display():<14} {user.email:<32} {password}" for user, password in made]
        self.stdout.write(
            "\n".join([rule, "  First users. These passwords are shown only now:", *lines, rule])
        )


def _make(email: str, *, name: str, role: Role) -> tuple[User, str]:
    password = secrets.token_urlsafe(RANDOM_BYTES)
    user = User.objects.create_user(email, password, full_name=name, role=role, status=UserStatus.ACTIVE)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    audit.record("user.create_first", by=None, target=user, details={"role": role})
    return user, password

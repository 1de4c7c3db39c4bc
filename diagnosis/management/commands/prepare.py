"""Bring the site into the state in which it can be served."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Do in one process, which imports everything once, what a start has to find done."""

    help = "Migrate, collect the static files, register the shipped model, and create the first users."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the steps; each of them does nothing where it was done before."""
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("install_shipped", stdout=self.stdout)
        call_command("create_first_users", stdout=self.stdout)

"""Enter the examination types, conditions and models that ship with the repository."""

from typing import Any

from django.core.management.base import BaseCommand

from diagnosis.services.installation import install_shipped


class Command(BaseCommand):
    """Register and activate what ships; harmless to repeat."""

    help = "Register the models that ship with the repository and activate them where none is active."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        for version in install_shipped():
            self.stdout.write(f"{version.examination_type}: {version} is {version.state}")

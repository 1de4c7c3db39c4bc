"""Take images in over DICOM's own network protocol (C-STORE)."""

import re
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from diagnosis.dimse.listener import ListenerConfig, start_listener
from mlcore.models import ExaminationType

AE_TITLE = re.compile(r"[\x21-\x5b\x5d-\x7e](?:[\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?")


class Command(BaseCommand):
    """Listen until interrupted."""

    help = "Answer C-ECHO and store what listed callers send by C-STORE, as one user."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what the settings leave open."""
        parser.add_argument("--host", default=settings.DIMSE_HOST)
        parser.add_argument("--port", type=int, default=settings.DIMSE_PORT or 11112)
        parser.add_argument("--ae-title", default=settings.DIMSE_AE_TITLE)
        parser.add_argument("--caller", action="append", help="AE title that may call; may be repeated.")
        parser.add_argument("--user", default=settings.DIMSE_USER, help="Address of the user to store as.")
        parser.add_argument("--examination-type", default=settings.DIMSE_EXAMINATION_TYPE)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until interrupted."""
        config = _config(options)
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        try:
            server = start_listener(config)
        except OSError as error:
            raise CommandError(f"Cannot listen on {config.host}:{config.port}: {error.strerror}.") from error
        self.stdout.write(f"{config.ae_title} listens on {config.host}:{config.port}. Ctrl-C stops it.")
        self.stdout.flush()
        try:
            stopping.wait()
        finally:
            server.shutdown()


def _config(options: dict[str, Any]) -> ListenerConfig:
    callers = tuple(options["caller"] or settings.DIMSE_CALLERS)
    if not callers:
        raise CommandError(
            "Nobody may call. Name the AE titles that may: --caller TITLE or MEDIMAGING_DIMSE_CALLERS."
        )
    for title in (options["ae_title"], *callers):
        if not AE_TITLE.fullmatch(title):
            raise CommandError(f"{title!r} is not an AE title: 1 to 16 characters of ASCII, no backslash.")
    user = User.objects.filter(email=str(options["user"]).lower()).first()
    if user is None or not user.uploads_images:
        raise CommandError(
            "Name an active user who may bring images in: --user ADDRESS or MEDIMAGING_DIMSE_USER."
        )
    code = options["examination_type"]
    kind = ExaminationType.objects.filter(code=code).first() if code else None
    if code and kind is None:
        raise CommandError(f"There is no type of examination {code!r}.")
    return ListenerConfig(
        user_id=user.pk,
        callers=callers,
        ae_title=options["ae_title"],
        host=options["host"],
        port=options["port"],
        examination_type=kind,
    )

"""What machines do for exports: write the file, take back what died, remove what is old."""

import hashlib
import io
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import IO
from uuid import UUID

import structlog
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from accounts.models import WebhookEvent
from accounts.services import webhooks
from diagnosis.models import Erasure, Export, ExportFormat, ExportKind, ExportState
from diagnosis.selectors.export_rows import rows_of
from medimaging.common.errors import ApplicationError
from medimaging.common.states import LostRace
from medimaging.common.storage import delete_content
from medimaging.common.tables import write_csv, write_json_lines
from mlcore.services.datasets import export_version

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
RENEW_SECONDS = 10.0
QUEUED_FOR = timedelta(seconds=60)
"""How long a pending export may wait before it is signaled again."""
MOST_ATTEMPTS = 3
CHUNK = 1024 * 1024


class NoLongerAllowed(ApplicationError):
    """Whoever asked may not have it any more."""

    code = "not_allowed"


def run_export(export_id: str) -> None:
    """Carry out one pending export; one that is not pending is left alone."""
    export = _claim(export_id)
    if export is None:
        return
    try:
        with tempfile.NamedTemporaryFile(prefix="export-", dir=settings.VAR_DIR) as file:
            count = _write(export, file)
            _store(export, file, count=count)
    except ApplicationError as error:
        _end(export, ExportState.FAILED, failure_code=error.code, failure_message=str(error))
    except FileNotFoundError:
        message = "A stored file is missing. Restore it from a backup."
        _end(export, ExportState.FAILED, failure_code="file_missing", failure_message=message)


def due_exports() -> list[str]:
    """Return the ids of exports to signal, after taking back what died and removing what is old."""
    now = timezone.now()
    for export in Export.objects.filter(state=ExportState.SUCCEEDED, expires_at__lte=now):
        delete_content(export.file_key)
        export.transition_to(ExportState.EXPIRED)
    for export in Export.objects.filter(state=ExportState.RUNNING, lease_expires_at__lt=now):
        _take_back(export)
    waiting = Export.objects.filter(state=ExportState.PENDING, signaled_at__lte=now - QUEUED_FOR)
    ids = list(waiting.values_list("pk", flat=True)[:50])
    Export.objects.filter(pk__in=ids).update(signaled_at=now)
    return [str(pk) for pk in ids]


def _claim(export_id: str) -> Export | None:
    pending = Export.objects.select_related("requested_by", "dataset_version")
    export = pending.filter(pk=UUID(export_id), state=ExportState.PENDING).first()
    if export is None:
        return None
    now = timezone.now()
    try:
        return export.transition_to(
            ExportState.RUNNING, attempts=export.attempts + 1, started_at=now, lease_expires_at=now + LEASE
        )
    except LostRace:
        return None


def _write(export: Export, file: IO[bytes]) -> int:
    """Write the file and return how many rows or images it holds."""
    go_on = _renewal(export)
    user = export.requested_by
    if not user.is_active:
        raise NoLongerAllowed("The account of whoever asked for this export is not active.")
    if export.kind == ExportKind.DATASET:
        if export.dataset_version is None or not user.sees_everything:
            raise NoLongerAllowed("A dataset is exported for those who see every image.")
        return export_version(export.dataset_version, file, on_image=go_on)
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = write_csv if export.format == ExportFormat.CSV else write_json_lines
    count = writer(rows_of(export.kind, user=user), text, on_row=go_on)
    text.detach()
    return count


def _store(export: Export, file: IO[bytes], *, count: int) -> None:
    """Put the file into the storage, then say that it is there."""
    digest, size = _measure(Path(file.name), file)
    file.seek(0)
    default_storage.save(export.file_key, File(file))
    now = timezone.now()
    erased = Erasure.objects.filter(decided_at__gte=export.started_at)
    if export.kind == ExportKind.DATASET and erased.exists():
        # An image may have been erased after it was written: the next attempt leaves it out.
        delete_content(export.file_key)
        export.transition_to(ExportState.PENDING, lease_expires_at=None, signaled_at=now - 2 * QUEUED_FOR)
        return
    _end(
        export,
        ExportState.SUCCEEDED,
        row_count=count,
        byte_count=size,
        sha256=digest,
        expires_at=now + timedelta(hours=settings.EXPORT_HOURS),
    )


def _measure(path: Path, file: IO[bytes]) -> tuple[str, int]:
    file.flush()
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest(), path.stat().st_size


def _renewal(export: Export) -> Callable[[], None]:
    """Return what is called between rows: it keeps the lease alive."""
    last = time.monotonic()

    def go_on() -> None:
        nonlocal last
        if time.monotonic() - last > RENEW_SECONDS:
            last = time.monotonic()
            running = Export.objects.filter(pk=export.pk, state=ExportState.RUNNING, attempts=export.attempts)
            running.update(lease_expires_at=timezone.now() + LEASE)

    return go_on


def _end(export: Export, state: ExportState, **facts: object) -> None:
    try:
        with transaction.atomic():
            export.transition_to(state, finished_at=timezone.now(), lease_expires_at=None, **facts)
            webhooks.announce(
                WebhookEvent.EXPORT_FINISHED,
                data={"export": export.pk},
                may_know=lambda user: user.pk == export.requested_by_id,
            )
    except LostRace:
        return
    log.info("export_finished", export=str(export.pk), state=state.value, code=export.failure_code)


def _take_back(export: Export) -> None:
    """Return the work of a dead worker to the queue, or give up after too many attempts."""
    if export.attempts >= MOST_ATTEMPTS:
        message = "The worker stopped each time. Ask for the export again."
        delete_content(export.file_key)
        _end(export, ExportState.FAILED, failure_code="worker_lost", failure_message=message)
        return
    try:
        long_ago = timezone.now() - 2 * QUEUED_FOR
        export.transition_to(ExportState.PENDING, lease_expires_at=None, signaled_at=long_ago)
    except LostRace:
        return

"""Ask for exports, and get them."""

from http import HTTPStatus
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction

from accounts.models import User
from accounts.services import audit
from diagnosis import tasks
from diagnosis.models import Export, ExportFormat, ExportKind, ExportState
from medimaging.common.errors import ApplicationError, Conflict, NotAllowed
from mlcore.models import DatasetVersion

OPEN = (ExportState.PENDING, ExportState.RUNNING)
MOST_OPEN = 3


class InvalidExport(ApplicationError):
    """What was asked for is no export."""

    code = "invalid_export"


class ExportGone(ApplicationError):
    """The file was there and is not any more."""

    code = "export_expired"
    status = HTTPStatus.GONE
    mend = "Ask for the export again."


@transaction.atomic
def request_export(
    *, by: User, kind: str, format: str = "", dataset_version: DatasetVersion | None = None
) -> Export:
    """Queue an export of what the user may see, to start once the caller's transaction is committed."""
    if not by.is_active:
        raise NotAllowed("Only an active user exports anything.")
    is_dataset = kind == ExportKind.DATASET
    if is_dataset and not by.sees_everything:
        raise NotAllowed("A dataset is exported by those who see every image.")
    if is_dataset != (dataset_version is not None):
        raise InvalidExport("An export of the kind dataset, and no other, names a dataset version.")
    chosen = format or (ExportFormat.ZIP if is_dataset else ExportFormat.CSV)
    if is_dataset != (chosen == ExportFormat.ZIP):
        raise InvalidExport("A dataset is exported as zip, tables as csv or jsonl.")
    if Export.objects.filter(requested_by=by, state__in=OPEN).count() >= MOST_OPEN:
        raise Conflict(
            f"{MOST_OPEN} of your exports are not finished yet.",
            code="too_many_exports",
            mend="Wait until one of them is finished.",
        )
    export = Export.objects.create(requested_by=by, kind=kind, format=chosen, dataset_version=dataset_version)
    version = str(dataset_version.pk) if dataset_version else None
    details = {"kind": kind, "format": chosen, "dataset_version": version}
    audit.record("export.request", by=by, target=export, details=details)
    transaction.on_commit(lambda: tasks.signal_export(str(export.pk)))
    return export


@transaction.atomic
def open_export(export: Export, *, by: User) -> "File[Any]":
    """Return the file, and note that it was taken."""
    if export.requested_by_id != by.pk:
        raise NotAllowed("This is another user's export.")
    if export.state in OPEN or export.state == ExportState.FAILED:
        raise Conflict(f"This export is {export.state}; there is no file.", code="no_file")
    if not export.is_downloadable:
        raise ExportGone("The file of this export was kept until it expired.")
    try:
        file: File[Any] = default_storage.open(export.file_key, "rb")
    except FileNotFoundError as error:
        raise ExportGone("The file of this export is gone.") from error
    audit.record("export.download", by=by, target=export, details={"sha256": export.sha256})
    return file

"""Take a file in by parts, so that a dropped connection costs a part and not the file."""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import uuid4

from django.conf import settings
from django.db.models import Count, F, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from diagnosis.models import PartialUpload, Upload, UploadSource
from diagnosis.services.intake import receive
from medimaging.common.errors import ApplicationError, Conflict, NotAllowed
from medimaging.common.storage import delete_content, read_content, store_derived
from mlcore.models import ExaminationType

MOST_OPEN = 500
"""Files that one user may have begun and not finished, however small."""


class TooMuch(ApplicationError):
    """The file, or all that the user has begun, is larger than is taken."""

    code = "too_much"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class WrongOffset(Conflict):
    """A part does not begin where the last one ended."""

    code = "wrong_offset"


def begin_upload(*, by: User, byte_count: int) -> PartialUpload:
    """Make room for a file of `byte_count` bytes.

    Raises:
        NotAllowed: the user's role does not bring images in.
        TooMuch: the file is larger than is accepted, or too much is begun and not finished.
    """
    if not by.uploads_images:
        raise NotAllowed(
            _("Your role does not bring images in."), mend=_("Ask an administrator for another role.")
        )
    if byte_count > settings.UPLOAD_MAX_BYTES:
        raise TooMuch(
            _("The file is larger than the %(limit)d MB that are accepted.")
            % {"limit": settings.UPLOAD_MAX_BYTES // 2**20},
            mend=_("Send a smaller export of the image."),
        )
    begun = PartialUpload.objects.owned_by(by).filter(upload=None)
    held = begun.aggregate(files=Count("pk"), bytes=Sum("byte_count", default=0))
    if held["files"] >= MOST_OPEN or held["bytes"] + byte_count > settings.UPLOAD_OPEN_MAX_BYTES:
        raise TooMuch(
            _("You have begun more uploads than are kept at once."),
            mend=_("Finish them, or wait until what was left unfinished is removed."),
        )
    return PartialUpload.objects.create(uploaded_by=by, byte_count=byte_count)


def expires_at(partial: PartialUpload) -> datetime:
    """Return until when the file may be resumed."""
    expires: datetime = partial.last_part_at + timedelta(seconds=settings.UPLOAD_PART_SECONDS)
    return expires


def add_part(partial: PartialUpload, content: bytes, *, offset: int) -> PartialUpload:
    """Keep the next part; of two that come at once, one is kept and the other is told so.

    Raises:
        WrongOffset: the part does not begin where the last one ended.
        TooMuch: the part reaches beyond the end of the file.
    """
    if offset + len(content) > partial.byte_count:
        raise TooMuch(_("The part reaches beyond the end of the file."))
    if offset != partial.received_count or partial.upload_id is not None:
        raise WrongOffset(_("The part does not begin where the last one ended."))
    if not content:
        return partial
    key = f"parts/{partial.pk}/{uuid4()}"
    store_derived(key, content)
    kept = PartialUpload.objects.filter(pk=partial.pk, received_count=offset, upload=None).update(
        received_count=F("received_count") + len(content),
        part_keys=[*partial.part_keys, key],
        last_part_at=timezone.now(),
    )
    if not kept:
        delete_content(key)
        raise WrongOffset(_("Another part arrived at the same time."))
    partial.refresh_from_db()
    return partial


def finish_upload(
    partial: PartialUpload,
    *,
    by: User,
    examination_type: ExaminationType | None = None,
    patient_identifier: str = "",
) -> Upload:
    """Take the whole file in and return its verdict; asked again, return the same verdict.

    What identifies the patient comes with this call and is stored nowhere before.

    Raises:
        Conflict: parts are missing.
        UnknownExaminationType: no type was given and more than one could be meant.
    """
    if partial.upload is not None:
        return partial.upload
    if not partial.is_whole:
        raise Conflict(_("Parts of the file are missing."), mend=_("Send the rest first."))
    upload = receive(
        b"".join(read_content(key) for key in partial.part_keys),
        by=by,
        source=UploadSource.PAGE,
        examination_type=examination_type,
        patient_identifier=patient_identifier,
    )
    PartialUpload.objects.filter(pk=partial.pk).update(upload=upload, part_keys=[])
    for key in partial.part_keys:
        delete_content(key)
    return upload


def discard_upload(partial: PartialUpload) -> None:
    """Forget a file that is not to be sent after all."""
    for key in partial.part_keys:
        delete_content(key)
    partial.delete()

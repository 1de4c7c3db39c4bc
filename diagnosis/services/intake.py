"""Take a file in: check, clean, store, enter, and ask for its analysis."""

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit
from diagnosis.dicom.pseudonyms import patient_id
from diagnosis.models import Instance, Patient, Series, Study, Upload, UploadSource, UploadState
from diagnosis.services.analysis import request_analysis
from diagnosis.services.cleaning import CleanImage, clean, content_digest
from diagnosis.services.quotas import require_room
from medimaging.common.errors import ApplicationError, NotAllowed
from medimaging.common.storage import delete_content, store_content
from mlcore.engine.errors import ImageError
from mlcore.models import DatasetItem, ExaminationType
from mlcore.selectors import sole_examination_type


class UnknownExaminationType(ApplicationError):
    """Nobody said which type of examination the image is of, and it is not obvious."""

    code = "examination_type_required"


class ConflictingInstance(ApplicationError):
    """Another image is already stored under the file's own identifier."""

    code = "conflicting_instance"


def receive(
    content: bytes,
    *,
    by: User,
    source: UploadSource,
    examination_type: ExaminationType | None = None,
    patient_identifier: str = "",
    study: Study | None = None,
) -> Upload:
    """Take one file in and return its verdict; a bad file is rejected, never raised.

    The same bytes twice are one instance. What is accepted is written to storage
    to completion before the row says so, and its analysis is requested.

    Raises:
        NotAllowed: the user's role does not bring images in.
        UnknownExaminationType: no type was given and more than one could be meant.
        UploadQuotaExceeded: the user handed in too much within the last hour.
    """
    if not by.uploads_images:
        raise NotAllowed(
            _("Your role does not bring images in."), mend=_("Ask an administrator for another role.")
        )
    examination_type = study.examination_type if study else examination_type or sole_examination_type()
    if examination_type is None:
        raise UnknownExaminationType(
            _("The type of examination is not known."), mend=_("Choose one of the examination types.")
        )
    require_room(by, byte_count=len(content), source=source)
    upload = Upload.objects.create(
        uploaded_by=by, source=source, digest=content_digest(content), byte_count=len(content)
    )
    known = _instance_of_same_bytes(upload)
    if known is not None:
        return _accept_duplicate(upload, instance=known)
    try:
        image = clean(content, patient_identifier=patient_identifier)
        key = store_content(image.content, kind="instances", extension=image.extension)
        return _accept(upload, image, key=key, examination_type=examination_type, study=study)
    except ImageError as error:
        return _reject(upload, error)
    except ConflictingInstance as error:
        _forget_content(key)
        return _reject(upload, error)


def _instance_of_same_bytes(upload: Upload) -> Instance | None:
    earlier = Upload.objects.filter(
        digest=upload.digest, state=UploadState.ACCEPTED, instance__isnull=False
    ).select_related("instance__series__study")
    found = earlier.first()
    return found.instance if found else None


def _accept(
    upload: Upload, image: CleanImage, *, key: str, examination_type: ExaminationType, study: Study | None
) -> Upload:
    try:
        with transaction.atomic():
            known = Instance.objects.filter(content_key=key).select_related("series__study").first()
            if known is not None:
                return _accept_duplicate(upload, instance=known)
            instance = _enter(
                image, key=key, by=upload.uploaded_by, examination_type=examination_type, study=study
            )
            audit.record("instance.accept", by=upload.uploaded_by, target=instance)
            request_analysis(instance, by=upload.uploaded_by)
            upload.transition_to(UploadState.ACCEPTED, instance=instance, finished_at=timezone.now())
            return upload
    except IntegrityError:
        return _accept_twin(upload, key=key)


def _accept_twin(upload: Upload, *, key: str) -> Upload:
    """Settle a race: either the same bytes were accepted meanwhile, or another image has the identifier."""
    twin = Instance.objects.filter(content_key=key).select_related("series__study").first()
    if twin is None:
        raise ConflictingInstance(
            "Another image is already stored under this file's SOP Instance UID.",
            mend="Give the changed image an identifier of its own and send it again.",
        )
    return _accept_duplicate(upload, instance=twin)


@transaction.atomic
def _accept_duplicate(upload: Upload, *, instance: Instance) -> Upload:
    """Point to the instance that is there; whoever holds an image may see the study it is of."""
    study = instance.series.study
    sender = upload.uploaded_by
    if not Study.objects.visible_to(sender).filter(pk=study.pk).exists():
        study.readers.add(sender)
        audit.record("study.share", by=sender, target=study, reason="Handed in an image of the study.")
    upload.transition_to(UploadState.ACCEPTED, instance=instance, duplicate=True, finished_at=timezone.now())
    return upload


def _forget_content(key: str) -> None:
    """Remove a stored file that no instance and no dataset came to own."""
    owned = Instance.objects.filter(content_key=key).exists()
    if not owned and not DatasetItem.objects.filter(content_key=key).exists():
        delete_content(key)


def _reject(upload: Upload, error: ImageError | ConflictingInstance) -> Upload:
    return upload.transition_to(
        UploadState.REJECTED,
        rejection_code=error.code,
        rejection_message=error.message,
        rejection_mend=error.mend,
        finished_at=timezone.now(),
    )


def _enter(
    image: CleanImage, *, key: str, by: User, examination_type: ExaminationType, study: Study | None
) -> Instance:
    if study is None:
        patient, _ = Patient.objects.get_or_create(
            pseudonym=image.patient_pseudonym,
            defaults={"id": patient_id(image.patient_pseudonym), "sex": image.patient_sex},
        )
        study, _ = Study.objects.get_or_create(
            owner=by,
            study_instance_uid=image.study_instance_uid,
            defaults={
                "patient": patient,
                "examination_type": examination_type,
                "patient_age_years": image.patient_age_years,
                "study_date": image.study_date,
            },
        )
    series, _ = Series.objects.get_or_create(
        study=study, series_instance_uid=image.series_instance_uid, defaults=image.series_values
    )
    return Instance.objects.create(
        series=series,
        sop_instance_uid=image.sop_instance_uid,
        content_key=key,
        byte_count=len(image.content),
        **image.instance_values,
    )

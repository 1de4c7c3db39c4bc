"""Take a file in: check, clean, store, enter, and ask for its analysis."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit
from diagnosis.dicom.deidentify import deidentify
from diagnosis.dicom.pseudonyms import hashed_uid, patient_id, pseudonym
from diagnosis.dicom.transcode import is_slow, transcode
from diagnosis.models import Instance, Patient, Series, Study, Upload, UploadSource, UploadState
from diagnosis.selectors.limits import image_limits
from diagnosis.services.analysis import request_analysis
from diagnosis.services.quotas import require_room
from medimaging.common.errors import ApplicationError, NotAllowed
from medimaging.common.storage import delete_content, store_content
from mlcore.engine.errors import EmptyFile, ImageError, ImageTooLarge
from mlcore.engine.imaging.decode import decode_samples, inspect_image
from mlcore.engine.imaging.encode import sanitize_image
from mlcore.engine.imaging.formats import detect_format
from mlcore.engine.types import ImageFormat, ImageLimits
from mlcore.models import DatasetItem, ExaminationType
from mlcore.selectors import sole_examination_type


class UnknownExaminationType(ApplicationError):
    """Nobody said which type of examination the image is of, and it is not obvious."""

    code = "examination_type_required"


class ConflictingInstance(ApplicationError):
    """Another image is already stored under the file's own identifier."""

    code = "conflicting_instance"


@dataclass(frozen=True)
class CleanImage:
    """A file without identity, ready to be stored."""

    content: bytes
    extension: str
    patient_pseudonym: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    instance_values: dict[str, object]
    series_values: dict[str, object]
    patient_sex: str = ""
    patient_age_years: int | None = None
    study_date: date | None = None


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


def clean(content: bytes, *, patient_identifier: str = "") -> CleanImage:
    """Check the file and return it without identity.

    Raises:
        ImageError: what is wrong with the file, and how to mend it.
    """
    limits = image_limits()
    if not content:
        raise EmptyFile("The file is empty.")
    if len(content) > limits.max_bytes:
        raise ImageTooLarge(
            f"The file is larger than the {limits.max_bytes // 2**20} MB that are accepted.",
            mend="Send a smaller export of the image.",
        )
    if detect_format(content[:4096]) is ImageFormat.DICOM:
        return _clean_dicom(content, limits=limits)
    return _clean_raster(content, limits=limits, patient_identifier=patient_identifier)


def _clean_dicom(content: bytes, *, limits: ImageLimits) -> CleanImage:
    samples = decode_samples(content, limits=limits)
    file = deidentify(content, key=_identity_key(), limits=limits)
    stored = file.content
    if is_slow(inspect_image(stored, limits=limits)):
        stored = transcode(stored, samples=samples)
    facts = file.attributes
    spacing = facts.pixel_spacing or (None, None)
    return CleanImage(
        content=stored,
        extension="dcm",
        patient_pseudonym=file.patient_pseudonym,
        study_instance_uid=facts.study_instance_uid,
        series_instance_uid=facts.series_instance_uid,
        sop_instance_uid=facts.sop_instance_uid,
        patient_sex=facts.patient_sex,
        patient_age_years=facts.patient_age_years,
        study_date=facts.study_date,
        series_values={
            "modality": facts.modality,
            "body_part_examined": facts.body_part_examined,
            "laterality": facts.laterality,
            "series_number": facts.series_number,
        },
        instance_values={
            "format": ImageFormat.DICOM.value,
            "sop_class_uid": facts.sop_class_uid,
            "instance_number": facts.instance_number,
            "rows": facts.rows,
            "columns": facts.columns,
            "frame_count": facts.number_of_frames,
            "bits_stored": facts.bits_stored,
            "photometric_interpretation": facts.photometric_interpretation,
            "transfer_syntax_uid": inspect_image(stored, limits=limits).transfer_syntax_uid,
            "view_position": facts.view_position,
            "pixel_spacing_row": spacing[0],
            "pixel_spacing_column": spacing[1],
            "window_center": facts.window_center,
            "window_width": facts.window_width,
            "burned_in_annotation": facts.burned_in_annotation,
        },
    )


def _clean_raster(content: bytes, *, limits: ImageLimits, patient_identifier: str) -> CleanImage:
    safe = sanitize_image(content, limits=limits)
    header = inspect_image(safe.content, limits=limits)
    key = _identity_key()
    digest = hashlib.sha256(safe.content).hexdigest()
    return CleanImage(
        content=safe.content,
        extension=safe.extension,
        patient_pseudonym=pseudonym(patient_identifier.strip() or f"image {digest}", key=key),
        study_instance_uid=hashed_uid(f"study {digest}", key=key),
        series_instance_uid=hashed_uid(f"series {digest}", key=key),
        sop_instance_uid=hashed_uid(f"instance {digest}", key=key),
        series_values={},
        instance_values={
            "format": safe.format.value,
            "rows": header.rows,
            "columns": header.columns,
            "frame_count": header.frame_count,
            "bits_stored": header.bits_stored,
            "photometric_interpretation": header.photometric_interpretation,
        },
    )


def _identity_key() -> bytes:
    return str(settings.IDENTITY_KEY).encode()


def stored_uid(uid: str) -> str:
    """Return the UID under which something that came in as `uid` is stored."""
    return hashed_uid(uid, key=_identity_key())


def content_digest(content: bytes) -> str:
    """Return the keyed hash by which the same bytes are known again; it does not give them away."""
    return hmac.new(_identity_key(), content, hashlib.sha256).hexdigest()


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

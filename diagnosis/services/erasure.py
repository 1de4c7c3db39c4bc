"""Erase an image for good: one person asks, an administrator who is somebody else confirms."""

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.models import User
from accounts.services import audit
from diagnosis import tasks
from diagnosis.latest import note_latest_analysis
from diagnosis.models import (
    Erasure,
    ErasureState,
    Export,
    ExportKind,
    ExportState,
    Instance,
    Study,
)
from diagnosis.selectors.images import thumbnail_key
from diagnosis.selectors.stored_maps import maps_of_nobody_else
from diagnosis.services.quarantine import authorized, items_of
from medimaging.common.errors import Conflict, NotAllowed
from mlcore.forgetting import forget_image
from mlcore.services import datasets


class NotTwoPeople(NotAllowed):
    """Whoever asked wants to decide too."""

    code = "second_person_required"
    mend = "Ask another administrator."


@transaction.atomic
def request_erasure(instance: Instance, *, by: User, reason: str) -> Erasure:
    """Ask that the image be erased; nothing happens until somebody else confirms it."""
    reason = authorized(by, reason=reason)
    try:
        with transaction.atomic():
            erasure = Erasure.objects.create(
                instance=instance, instance_key=instance.pk, requested_by=by, reason=reason
            )
    except IntegrityError as error:
        raise Conflict("The erasure of this image was requested already.") from error
    audit.record("instance.request_erasure", by=by, target=instance, reason=reason)
    return erasure


@transaction.atomic
def refuse_erasure(erasure: Erasure, *, by: User, reason: str) -> Erasure:
    """Keep the image."""
    reason = _may_decide(erasure, by=by, reason=reason)
    erasure.transition_to(ErasureState.REFUSED, decided_by=by, decided_at=timezone.now())
    audit.record("erasure.refuse", by=by, target=erasure, reason=reason, details=_named(erasure))
    return erasure


@transaction.atomic
def confirm_erasure(erasure: Erasure, *, by: User, reason: str) -> Erasure:
    """Erase every row of the image now, and its files once this is committed.

    Reviews and the audit trail stay: they are what people did. Models that learned from
    the image are not trained anew; no later training sees it.
    """
    reason = _may_decide(erasure, by=by, reason=reason)
    instance = (
        Instance.objects.select_for_update(of=("self",))
        .select_related("series__study__patient")
        .filter(pk=erasure.instance_key)
        .first()
    )
    if instance is None:
        raise Conflict("This image is gone already.")
    erasure.transition_to(
        ErasureState.CONFIRMED, decided_by=by, decided_at=timezone.now(), files=_files_of(instance)
    )
    details = _named(erasure) | {
        "requested_by": str(erasure.requested_by_id),
        "dataset_items": datasets.mark_erased(items_of(instance), by=by, reason=reason),
        "embeddings": forget_image(source_id=str(instance.pk), content_key=instance.content_key),
        "study": str(instance.series.study_id),
    }
    _delete_rows(instance)
    audit.record("instance.erase", by=by, target=erasure, reason=reason, details=details)
    Export.objects.filter(kind=ExportKind.DATASET, state=ExportState.SUCCEEDED).update(
        expires_at=timezone.now()
    )
    transaction.on_commit(lambda: tasks.signal_erasure(str(erasure.pk)))
    return erasure


def _may_decide(erasure: Erasure, *, by: User, reason: str) -> str:
    reason = authorized(by, reason=reason)
    if not by.is_superuser:
        raise NotAllowed("Only an administrator confirms or refuses an erasure.")
    if by.pk == erasure.requested_by_id:
        raise NotTwoPeople("You asked for this erasure, so somebody else decides about it.")
    return reason


def _named(erasure: Erasure) -> dict[str, object]:
    return {"instance": str(erasure.instance_key)}


def _files_of(instance: Instance) -> list[str]:
    """Return what the storage holds of the image and of it alone: pixels, thumbnail, maps."""
    return [instance.content_key, thumbnail_key(instance), *sorted(maps_of_nobody_else(instance))]


def _delete_rows(instance: Instance) -> None:
    """Delete the image with its analyses, and whatever is left empty around it."""
    series, study = instance.series, instance.series.study
    instance.delete()
    note_latest_analysis(study.pk)
    if series.instances.exists():
        return
    series.delete()
    if study.series.exists():
        return
    try:
        with transaction.atomic():
            Study.objects.get(pk=study.pk).delete()
    except ProtectedError:  # what readers signed of it is kept
        return
    if not study.patient.studies.exists():
        study.patient.delete()

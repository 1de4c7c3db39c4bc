"""Keep an image from everybody but those who oversee the site, until somebody has looked at it."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit
from diagnosis.latest import note_latest_analysis
from diagnosis.models import Analysis, Instance
from diagnosis.services.analysis import OPEN_STATES, cancel_analysis
from diagnosis.services.curation import curate_instance, group_of
from medimaging.common.errors import ApplicationError, Conflict, NotAllowed
from mlcore.models import BARRED, DatasetItem, ItemState
from mlcore.services import datasets


@transaction.atomic
def quarantine_instance(instance: Instance, *, by: User, reason: str) -> Instance:
    """Hide the image from readers, stop its analyses, and keep it out of every training."""
    reason = authorized(by, reason=reason)
    if not Instance.objects.filter(pk=instance.pk, quarantined_at=None).update(quarantined_at=timezone.now()):
        raise Conflict(_("This image is in quarantine already."))
    for analysis in Analysis.objects.filter(instance=instance, state__in=OPEN_STATES):
        cancel_analysis(analysis, by=by, reason=reason)
    datasets.quarantine_items(items_of(instance), by=by, reason=reason)
    note_latest_analysis(instance.series.study_id)
    audit.record("instance.quarantine", by=by, target=instance, reason=reason)
    instance.refresh_from_db(fields=["quarantined_at"])
    return instance


@transaction.atomic
def release_instance(instance: Instance, *, by: User, reason: str) -> Instance:
    """Show the image again, and let count again what was signed of it."""
    reason = authorized(by, reason=reason)
    in_quarantine = Instance.objects.filter(pk=instance.pk, quarantined_at__isnull=False)
    if not in_quarantine.update(quarantined_at=None):
        raise Conflict(_("This image is not in quarantine."))
    instance.refresh_from_db(fields=["quarantined_at"])
    datasets.release_items(items_of(instance), by=by, reason=reason)
    curate_instance(instance)
    note_latest_analysis(instance.series.study_id)
    audit.record("instance.release", by=by, target=instance, reason=reason)
    return instance


@transaction.atomic
def exclude_from_training(instance: Instance, *, by: User, reason: str) -> DatasetItem:
    """Keep models from learning from the image, also where nobody has signed anything of it yet."""
    reason = authorized(by, reason=reason)
    study = instance.series.study
    item = datasets.enter_item(
        study.examination_type,
        source_id=str(instance.pk),
        content_key=instance.content_key,
        group=group_of(study.patient),
    )
    if item.state == ItemState.EXCLUDED and item.state_reason not in BARRED:
        raise Conflict(_("This image is excluded from training already."))
    return datasets.exclude_item(item, by=by, reason=reason)


def items_of(instance: Instance) -> QuerySet[DatasetItem]:
    """Return the dataset items that show the image, of every examination type."""
    items: QuerySet[DatasetItem] = DatasetItem.objects.filter(content_key=instance.content_key)
    return items


def authorized(by: User, *, reason: str) -> str:
    """Return the reason; refuse who may not change images, and an empty reason."""
    if not by.has_perm("diagnosis.change_instance"):
        raise NotAllowed(_("Only an administrator or a data steward decides about stored images."))
    if not reason.strip():
        raise ApplicationError(_("A reason is missing."), code="reason_required", mend=_("Say why."))
    return reason.strip()

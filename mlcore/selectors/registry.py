"""Reads that others need of the registry."""

from django.utils import timezone

from mlcore.models import ExaminationType, ModelState, ModelVersion, ServingProcess
from mlcore.models.serving_process import ALIVE_WITHIN


def active_version(examination_type: ExaminationType) -> ModelVersion | None:
    """Return the version that answers for the examination type now, or None."""
    return ModelVersion.objects.active().filter(examination_type=examination_type).first()


def sole_examination_type() -> ExaminationType | None:
    """Return the one examination type that has an active model, or None if there are none or several."""
    found = list(ExaminationType.objects.filter(model_versions__state=ModelState.ACTIVE)[:2])
    return found[0] if len(found) == 1 else None


def live_processes() -> list[ServingProcess]:
    """Return the worker processes that said a moment ago that they live."""
    return list(ServingProcess.objects.filter(seen_at__gte=timezone.now() - ALIVE_WITHIN))


def is_served(version: ModelVersion) -> bool:
    """Tell whether a living worker process has loaded the version."""
    return any(str(version.pk) in process.models_loaded.values() for process in live_processes())

"""Set a new installation up with what ships: examination types, conditions, models."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.services import audit
from diagnosis.models import Condition, ConditionState
from mlcore.models import ExaminationType, ModelVersion
from mlcore.selectors import active_version
from mlcore.services.registry import register_artifact


def install_shipped(folder: Path | None = None) -> list[ModelVersion]:
    """Enter what ships, and activate a shipped model where none is active; doing it twice changes nothing."""
    folder = folder or settings.SHIPPED_MODELS_DIR
    catalogue = json.loads((folder / "catalogue.json").read_text())
    return [_install(entry, folder=folder) for entry in catalogue]


def _install(entry: dict[str, Any], *, folder: Path) -> ModelVersion:
    examination_type = _enter_examination_type(entry)
    return register_artifact(
        folder / entry["artifact"], by=None, activate=active_version(examination_type) is None
    )


@transaction.atomic
def _enter_examination_type(entry: dict[str, Any]) -> ExaminationType:
    facts = {name: entry[name] for name in ("name", "description", "modality", "body_part_examined")}
    examination_type, created = ExaminationType.objects.get_or_create(code=entry["code"], defaults=facts)
    if created:
        audit.record("examination_type.install", by=None, target=examination_type)
    for condition in entry["conditions"]:
        Condition.objects.get_or_create(
            examination_type=examination_type,
            code=condition["code"],
            defaults={**condition, "state": ConditionState.APPROVED},
        )
    return examination_type

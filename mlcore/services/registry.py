"""Register model artifacts, and decide which of them answers."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import User, WebhookEvent
from accounts.services import audit, webhooks
from medimaging.common.errors import ApplicationError, NotAllowed
from medimaging.common.storage import store_content
from mlcore.engine import artifacts
from mlcore.engine.types import ModelFacts, OperatingPoint
from mlcore.models import ExaminationType, ModelState, ModelVersion


class UnknownExaminationType(ApplicationError):
    """The artifact is for a type of examination that does not exist here."""

    code = "unknown_examination_type"
    mend = "Create the examination type first."


def register_artifact(path: Path, *, by: User | None, activate: bool = False) -> ModelVersion:
    """Store the artifact and enter it as a candidate; registering it twice returns the same version."""
    facts = artifacts.read_facts(path)
    sha256 = artifacts.file_sha256(path)
    key = store_content(path.read_bytes(), kind="models", extension="mmodel")
    version = _enter(facts, key=key, sha256=sha256, by=by)
    if activate and version.state != ModelState.ACTIVE:
        activate_version(version, by=by, reason="Activated when it was registered.")
    return version


@transaction.atomic
def _enter(facts: ModelFacts, *, key: str, sha256: str, by: User | None) -> ModelVersion:
    examination_type = ExaminationType.objects.select_for_update().filter(code=facts.examination_type).first()
    if examination_type is None:
        raise UnknownExaminationType("The artifact is for an examination type that does not exist here.")
    known = examination_type.model_versions.filter(artifact_sha256=sha256).first()
    if known is not None:
        return known
    latest = examination_type.model_versions.aggregate(latest=Max("version"))["latest"] or 0
    version = ModelVersion.objects.create(
        examination_type=examination_type,
        version=latest + 1,
        name=facts.name,
        architecture=facts.architecture,
        classes=list(facts.classes),
        operating_points={code: _as_json(point) for code, point in facts.operating_points.items()},
        metrics=dict(facts.metrics),
        intended_use=facts.intended_use,
        limits=list(facts.limits),
        embedding_version=facts.embedding_version,
        dataset_sha256=facts.dataset_sha256,
        artifact_key=key,
        artifact_sha256=sha256,
        trained_at=datetime.fromisoformat(facts.created_at),
    )
    audit.record("model_version.register", by=by, target=version, details={"artifact_sha256": sha256})
    return version


def _as_json(point: OperatingPoint) -> dict[str, object]:
    return {
        "threshold": point.threshold,
        "sensitivity": point.sensitivity,
        "specificity": point.specificity,
        "sensitivity_interval": point.sensitivity_interval,
        "specificity_interval": point.specificity_interval,
    }


@transaction.atomic
def activate_version(
    version: ModelVersion, *, by: User | None, reason: str, details: Mapping[str, Any] | None = None
) -> ModelVersion:
    """Let `version` answer from now on and retire the one that did; people ask `promotion` for it.

    Activating a retired version is the roll-back: the artifact is the same
    file, so the answers are the same.
    """
    _require_administrator(by)
    ExaminationType.objects.select_for_update().get(pk=version.examination_type_id)
    now = timezone.now()
    incumbent = ModelVersion.objects.active().filter(examination_type=version.examination_type_id).first()
    if incumbent is not None and incumbent.pk != version.pk:
        incumbent.transition_to(ModelState.RETIRED, retired_at=now)
    rolls_back = version.state == ModelState.RETIRED
    version.transition_to(ModelState.ACTIVE, activated_at=now, retired_at=None)
    audit.record(
        "model_version.roll_back" if rolls_back else "model_version.activate",
        by=by,
        target=version,
        reason=reason,
        details={"retired": str(incumbent.pk) if incumbent else None, **(details or {})},
    )
    webhooks.announce(
        WebhookEvent.MODEL_PROMOTED,
        data={"model_version": version.pk, "retired": incumbent.pk if incumbent else None},
        may_know=lambda user: True,
    )
    return version


@transaction.atomic
def reject_version(version: ModelVersion, *, by: User, reason: str) -> ModelVersion:
    """Rule a candidate out for good."""
    _require_administrator(by)
    version.transition_to(ModelState.REJECTED)
    audit.record("model_version.reject", by=by, target=version, reason=reason)
    return version


def _require_administrator(user: User | None) -> None:
    """Let administrators decide, and the system itself, for which nobody stands."""
    if user is not None and not user.is_superuser:
        raise NotAllowed("Only an administrator decides which model answers.")

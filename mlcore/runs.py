"""Enters training runs, and tells when one is due. Whoever enters a run signals it."""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.services import audit
from medimaging.common.errors import ApplicationError, Conflict
from mlcore.engine.errors import EngineError
from mlcore.engine.networks.registry import find_network
from mlcore.models import (
    ExaminationType,
    ModelVersion,
    TrainingKind,
    TrainingRun,
    TrainingTrigger,
)
from mlcore.models.training import OPEN_STATES
from mlcore.selectors import active_version
from mlcore.selectors.datasets import anything_new, newly_signed
from mlcore.services.datasets.versions import freeze_version

QUICK_EPOCHS = 1


class TrainingUnderWay(Conflict):
    """One training at a time for an examination type."""

    code = "training_under_way"
    mend = gettext_lazy("Wait until it has ended, or cancel it.")


class NotTrainable(ApplicationError):
    """What was asked for cannot be trained."""

    code = "not_trainable"


def open_run(
    examination_type: ExaminationType,
    *,
    by: User | None,
    kind: str,
    architecture: str = "",
    epochs: int = 10,
    seed: int = 7,
    trigger: str = TrainingTrigger.MANUAL,
) -> TrainingRun:
    """Freeze a dataset version and enter a pending run on it.

    Raises:
        TrainingUnderWay: a run of the examination type is pending or running.
        NotTrainable: there is no incumbent whose head could be updated.
        UnknownArchitecture: there is no network of that name.
        EmptyDataset: nothing is accepted and labeled.
    """
    require_none_open(examination_type)
    architecture = _architecture(examination_type, kind=kind, asked=architecture)
    version = freeze_version(examination_type, by=by, note=f"For a {kind} training.")
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(
                examination_type=examination_type,
                dataset_version=version,
                kind=kind,
                architecture=architecture,
                epochs=QUICK_EPOCHS if kind == TrainingKind.QUICK else epochs,
                seed=seed,
                trigger=trigger,
                requested_by=by,
            )
            details = {"dataset_version": str(version.pk), "kind": kind, "trigger": trigger}
            audit.record("training_run.request", by=by, target=run, details=details)
    except IntegrityError:
        require_none_open(examination_type)
        raise
    return run


def open_run_when_due(
    examination_type: ExaminationType, *, trigger: str = TrainingTrigger.SIGNED
) -> TrainingRun | None:
    """Enter a run where enough was signed since the last one, or anything at all is new for the schedule."""
    if not examination_type.trains_after:
        return None
    if not _is_due(examination_type, trigger=trigger):
        return None
    incumbent = active_version(examination_type)
    if incumbent is None:
        return None
    kind = TrainingKind.QUICK if updates_quickly(incumbent) else TrainingKind.FULL
    try:
        return open_run(examination_type, by=None, kind=kind, trigger=trigger)
    except TrainingUnderWay:
        return None


def _is_due(examination_type: ExaminationType, *, trigger: str) -> bool:
    if trigger == TrainingTrigger.SCHEDULE:
        return anything_new(examination_type)
    return newly_signed(examination_type) >= examination_type.trains_after


def updates_quickly(version: ModelVersion) -> bool:
    """Tell whether the architecture has a head that can be exchanged."""
    try:
        network = find_network(version.architecture)
    except EngineError:
        return False
    return network.is_graph and network.pooled_head


def _architecture(examination_type: ExaminationType, *, kind: str, asked: str) -> str:
    incumbent = active_version(examination_type)
    if kind == TrainingKind.QUICK:
        if incumbent is None or not updates_quickly(incumbent):
            raise NotTrainable(
                _("There is no active model whose head could be updated."),
                mend=_("Train a whole network instead."),
            )
        return incumbent.architecture
    chosen = asked or (incumbent.architecture if incumbent else settings.DEFAULT_ARCHITECTURE)
    find_network(chosen)
    return chosen


def require_none_open(examination_type: ExaminationType) -> None:
    """Raise TrainingUnderWay where a run of the examination type is pending or running."""
    found = TrainingRun.objects.filter(examination_type=examination_type, state__in=OPEN_STATES).first()
    if found is not None:
        raise TrainingUnderWay(
            _("A training of this examination type is under way (%(kind)s, %(state)s, since %(time)s UTC).")
            % {"kind": found.kind, "state": found.state, "time": f"{found.requested_at:%Y-%m-%d %H:%M}"}
        )

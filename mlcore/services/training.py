"""Ask for trainings, cancel them, ask again."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Role, User
from accounts.services import audit
from medimaging.common.errors import Conflict, NotAllowed
from mlcore import runs, tasks
from mlcore.models import (
    DatasetVersion,
    ExaminationType,
    ModelState,
    ModelVersion,
    TrainingKind,
    TrainingRun,
    TrainingState,
    TrainingTrigger,
)

TRAINERS = frozenset({Role.ADMINISTRATOR, Role.DATA_STEWARD})


class NotCancellable(Conflict):
    """The run has ended."""

    code = "not_cancellable"


class NothingToMeasureOn(Conflict):
    """No dataset version of the examination type was frozen yet."""

    code = "nothing_to_measure_on"
    mend = gettext_lazy("Sign or import images, then begin a training: it freezes what it learns from.")


def may_train(user: User) -> bool:
    """Tell whether the user may ask for trainings and see them."""
    return user.is_active and user.role in TRAINERS


def request_training(
    examination_type: ExaminationType,
    *,
    by: User,
    kind: str = TrainingKind.QUICK,
    architecture: str = "",
    epochs: int = 10,
    seed: int = 7,
    trigger: str = TrainingTrigger.MANUAL,
) -> TrainingRun:
    """Freeze a dataset version and queue a training on it.

    Raises:
        TrainingUnderWay: one of the examination type is pending or running; it says which.
        NotTrainable: there is no active model whose head could be updated.
        EmptyDataset: nothing is accepted and labeled.
    """
    _require_trainer(by)
    run = runs.open_run(
        examination_type,
        by=by,
        kind=kind,
        architecture=architecture,
        epochs=epochs,
        seed=seed,
        trigger=trigger,
    )
    _signal(run)
    return run


def train_when_due(examination_type: ExaminationType) -> TrainingRun | None:
    """Queue a training where enough images were signed since the last one; else return None."""
    run = runs.open_run_when_due(examination_type)
    if run is not None:
        _signal(run)
    return run


@transaction.atomic
def cancel_training(run: TrainingRun, *, by: User, reason: str = "") -> TrainingRun:
    """Cancel a run: at once while it waits, within seconds while it runs.

    Cancelling twice is no error; a run that has ended stays what it is.
    """
    _require_trainer(by)
    run = TrainingRun.objects.select_for_update().get(pk=run.pk)
    if run.cancel_requested_at is not None and run.state != TrainingState.FAILED:
        return run
    now = timezone.now()
    if run.state == TrainingState.PENDING:
        run.transition_to(TrainingState.CANCELLED, cancel_requested_at=now, finished_at=now)
    elif run.state == TrainingState.RUNNING:
        run.cancel_requested_at = now
        run.save(update_fields=["cancel_requested_at"])
    else:
        raise NotCancellable(
            _("This training has ended (%(state)s) and cannot be cancelled.") % {"state": run.state}
        )
    audit.record("training_run.cancel", by=by, target=run, reason=reason)
    return run


@transaction.atomic
def retry_training(run: TrainingRun, *, by: User, reason: str = "") -> TrainingRun:
    """Queue a failed run again, on the same data; it goes on from its checkpoint.

    Raises:
        TrainingUnderWay: another run of the examination type is pending or running.
    """
    _require_trainer(by)
    if run.state == TrainingState.FAILED:
        runs.require_none_open(run.examination_type)
    failure = {"code": run.failure_code, "message": run.failure_message}
    run.transition_to(
        TrainingState.PENDING,
        attempts=0,
        signaled_at=timezone.now(),
        finished_at=None,
        cancel_requested_at=None,
        failure_code="",
        failure_message="",
    )
    audit.record("training_run.retry", by=by, target=run, reason=reason, details={"failure": failure})
    _signal(run)
    return run


@transaction.atomic
def request_gate(version: ModelVersion, *, by: User, reason: str = "") -> ModelVersion:
    """Have a candidate held against the model that answers now, on the newest dataset version."""
    _require_trainer(by)
    if version.state != ModelState.CANDIDATE:
        raise Conflict(
            _("This version is no candidate (%(state)s); only candidates are measured at the gate.")
            % {"state": version.state}
        )
    if not DatasetVersion.objects.filter(examination_type=version.examination_type_id).exists():
        raise NothingToMeasureOn(_("There are no signed or imported images to measure it on."))
    audit.record("model_version.measure", by=by, target=version, reason=reason)
    transaction.on_commit(lambda: tasks.signal_judging(str(version.pk)))
    return version


def _require_trainer(by: User) -> None:
    if not may_train(by):
        raise NotAllowed(_("Only administrators and data stewards may train models."))


def _signal(run: TrainingRun) -> None:
    transaction.on_commit(lambda: tasks.signal(str(run.pk)))

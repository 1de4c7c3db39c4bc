"""What machines do after a training was asked for: carry it out, judge what came out, take back what died."""

import shutil
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from medimaging.common.errors import ApplicationError
from medimaging.common.states import LostRace
from mlcore import serving
from mlcore.engine.errors import EngineError
from mlcore.engine.training.progress import TrainingStopped
from mlcore.forgetting import purge_files
from mlcore.judging import judge
from mlcore.learning import Listener, learn
from mlcore.lease import TrainingLease
from mlcore.material import training_folder
from mlcore.models import (
    DatasetVersion,
    ExaminationType,
    GateReport,
    ModelState,
    ModelVersion,
    TrainingRun,
    TrainingState,
    TrainingTrigger,
)
from mlcore.runs import open_run_when_due
from mlcore.services.promotion import promote
from mlcore.services.registry import register_artifact

log = structlog.get_logger(__name__)


def run_training(run_id: str) -> None:
    """Carry out one pending training; one that is not pending is left alone."""
    run = _claim(run_id)
    if run is None:
        return
    folder = folder_of(run)
    folder.mkdir(parents=True, exist_ok=True)
    purge_files()
    try:
        with TrainingLease(run) as lease:
            listener = Listener(on_progress=lease.tell, should_stop=lease.should_stop)
            path = learn(run, folder=folder, listener=listener)
            candidate = register_artifact(path, by=None)
            report = judge(
                candidate, dataset_version=run.dataset_version, seed=run.seed, go_on=listener.go_on
            )
    except TrainingStopped:
        _stopped(run)
    except (EngineError, ApplicationError) as error:
        _fail(run, code=error.code, message=str(error))
    except FileNotFoundError:
        _fail(run, code="file_missing", message="A stored file is missing. Restore it from a backup.")
    else:
        _finish(run, candidate=candidate, report=report)


def judge_candidate(version_id: str) -> GateReport | None:
    """Hold a candidate against the model that answers now, on the newest dataset version."""
    candidate = ModelVersion.objects.filter(pk=UUID(version_id), state=ModelState.CANDIDATE).first()
    if candidate is None:
        return None
    newest = DatasetVersion.objects.filter(examination_type=candidate.examination_type_id)
    dataset_version = newest.order_by("-number").first()
    if dataset_version is None:
        return None
    report = judge(candidate, dataset_version=dataset_version, seed=0, go_on=lambda: None)
    report.save()
    return report


def reap() -> list[str]:
    """Return the ids of trainings to signal, after taking back those whose worker died."""
    now = timezone.now()
    for run in TrainingRun.objects.filter(state=TrainingState.RUNNING, lease_expires_at__lt=now):
        _take_back(run)
    waiting_since = now - timedelta(seconds=settings.TRAINING_QUEUE_SECONDS)
    waiting = TrainingRun.objects.filter(state=TrainingState.PENDING, signaled_at__lte=waiting_since)
    ids = list(waiting.order_by("signaled_at").values_list("pk", flat=True))
    TrainingRun.objects.filter(pk__in=ids).update(signaled_at=now)
    return [str(pk) for pk in ids]


def open_due_runs(*, trigger: str = TrainingTrigger.SIGNED) -> list[str]:
    """Enter a run for each examination type that is due, and return their ids to signal."""
    opened = (open_run_when_due(kind, trigger=trigger) for kind in ExaminationType.objects.all())
    return [str(run.pk) for run in opened if run is not None]


def folder_of(run: TrainingRun) -> Path:
    """Where a run keeps its checkpoint and what comes out of it, until it has ended."""
    return training_folder() / "runs" / str(run.pk)


def _claim(run_id: str) -> TrainingRun | None:
    """Take the run for this process, for the length of a lease."""
    run = (
        TrainingRun.objects.select_related("examination_type", "dataset_version")
        .filter(pk=UUID(run_id), state=TrainingState.PENDING)
        .first()
    )
    if run is None:
        return None
    now = timezone.now()
    try:
        return run.transition_to(
            TrainingState.RUNNING,
            worker=serving.process_name(),
            attempts=run.attempts + 1,
            started_at=run.started_at or now,
            lease_expires_at=now + timedelta(seconds=settings.TRAINING_LEASE_SECONDS),
        )
    except LostRace:
        return None


def _finish(run: TrainingRun, *, candidate: ModelVersion, report: GateReport) -> None:
    """Enter what came out and the state in one transaction, then promote where that is allowed."""
    try:
        with transaction.atomic():
            run.transition_to(
                TrainingState.SUCCEEDED,
                finished_at=timezone.now(),
                lease_expires_at=None,
                candidate=candidate,
            )
            report.save()
    except LostRace:
        log.info("training_taken_by_another", run=str(run.pk))
        return
    shutil.rmtree(folder_of(run), ignore_errors=True)
    log.info("training_finished", run=str(run.pk), candidate=str(candidate.pk), passed=report.passed)
    if report.passed and run.examination_type.promotes_automatically:
        try:
            promote(
                candidate, by=None, reason="The gate was passed and the examination type promotes by itself."
            )
        except ApplicationError as error:
            log.warning("candidate_not_promoted", candidate=str(candidate.pk), code=error.code)


def _stopped(run: TrainingRun) -> None:
    """Enter that the run was cancelled; one that was taken away is somebody else's now."""
    current = TrainingRun.objects.filter(
        pk=run.pk, state=TrainingState.RUNNING, attempts=run.attempts, cancel_requested_at__isnull=False
    )
    if current.exists():
        _cancel(run)


def _cancel(run: TrainingRun) -> None:
    try:
        run.transition_to(TrainingState.CANCELLED, finished_at=timezone.now(), lease_expires_at=None)
    except LostRace:
        return
    shutil.rmtree(folder_of(run), ignore_errors=True)
    log.info("training_cancelled", run=str(run.pk))


def _fail(run: TrainingRun, *, code: str, message: str) -> None:
    try:
        run.transition_to(
            TrainingState.FAILED,
            finished_at=timezone.now(),
            lease_expires_at=None,
            failure_code=code,
            failure_message=message,
        )
    except LostRace:
        return
    log.warning("training_failed", run=str(run.pk), code=code)


def _take_back(run: TrainingRun) -> None:
    """Return the work of a dead worker to the queue; it goes on from its checkpoint."""
    log.warning("training_lease_expired", run=str(run.pk), worker=run.worker, attempts=run.attempts)
    if run.cancel_requested_at is not None:
        _cancel(run)
    elif run.attempts >= settings.TRAINING_MAX_ATTEMPTS:
        _fail(
            run,
            code="worker_lost",
            message=f"The training was given up after {run.attempts} attempts, because the worker stopped "
            "each time. Retry it, or ask an administrator to look at the worker's log.",
        )
    else:
        try:
            # Signaled in this same pass: the time is set back so that the row counts as long unsignaled.
            run.transition_to(
                TrainingState.PENDING,
                lease_expires_at=None,
                signaled_at=timezone.now() - timedelta(days=1),
            )
        except LostRace:
            return

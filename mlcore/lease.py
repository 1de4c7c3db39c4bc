"""Holds a training for this process: renews its lease, stores its progress, hears when it is cancelled."""

import threading
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from mlcore.engine.training.progress import TrainingProgress
from mlcore.models import TrainingRun, TrainingState

log = structlog.get_logger(__name__)

BEAT_SECONDS = 1.0


class TrainingLease:
    """Speaks to the database from a thread, so that learning never waits for it.

    The row is written only while it is still this process's: when the reaper has
    taken it back, or somebody asked to cancel, `should_stop` says so.
    """

    def __init__(self, run: TrainingRun) -> None:
        self._mine = TrainingRun.objects.filter(pk=run.pk, state=TrainingState.RUNNING, attempts=run.attempts)
        self._latest: TrainingProgress | None = None
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="training-lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def tell(self, progress: TrainingProgress) -> None:
        """Take note of where the training stands."""
        self._latest = progress

    def should_stop(self) -> bool:
        """Tell whether the training was cancelled or taken away."""
        return self._stop.is_set()

    def _keep(self) -> None:
        try:
            while not self._ended.wait(BEAT_SECONDS):
                try:
                    self._renew()
                except DatabaseError:
                    log.exception("training_lease_not_renewed")
        finally:
            connection.close()

    def _renew(self) -> None:
        expires = timezone.now() + timedelta(seconds=settings.TRAINING_LEASE_SECONDS)
        changes: dict[str, Any] = {"lease_expires_at": expires}
        if self._latest is not None:
            changes["progress"] = as_json(self._latest)
        if not self._mine.update(**changes) or self._mine.filter(cancel_requested_at__isnull=False).exists():
            self._stop.set()


def as_json(progress: TrainingProgress) -> dict[str, Any]:
    """Progress as it is stored and shown; what is not known yet is None."""
    numbers = {
        name: None if value is None or value != value else round(float(value), 4)
        for name, value in (
            ("loss", progress.loss),
            ("auroc", progress.auroc),
            ("seconds_left", progress.seconds_left),
        )
    }
    return {
        "epoch": progress.epoch,
        "epochs": progress.epochs,
        "step": progress.step,
        "steps": progress.steps,
        **numbers,
    }

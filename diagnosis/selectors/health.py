"""How the installation does: what waits, what failed, who serves, and how much room is left."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Min, Sum
from django.utils import timezone

from accounts.models import User, UserStatus
from diagnosis.models import Analysis, AnalysisState, Condition, ConditionState, Instance
from mlcore.models import ModelVersion, ServingProcess
from mlcore.selectors import live_processes

LONGEST_WAIT = timedelta(minutes=2)
"""A longer wait of an analysis means that the workers do not keep up."""
LEAST_FREE_SHARE = 0.05
LEAST_FREE_BYTES = 2 * 1024**3
STORED_BYTES_SECONDS = 300
"""For how long the sum over all images may be old: it reads the whole table."""


@dataclass(frozen=True)
class Worker:
    """One living worker process and the model versions it has loaded."""

    name: str
    seen_at: datetime
    loaded: tuple[str, ...]


@dataclass(frozen=True)
class ActiveModel:
    """A model version that answers, and how many living processes have loaded it."""

    version: ModelVersion
    processes: int


@dataclass(frozen=True)
class Health:
    """The state of the installation at one moment."""

    at: datetime
    pending: int
    running: int
    failed: int
    oldest_pending_at: datetime | None
    users_waiting: int
    conditions_proposed: int
    workers: tuple[Worker, ...]
    active_models: tuple[ActiveModel, ...]
    disk_free_bytes: int
    disk_total_bytes: int
    stored_bytes: int

    @property
    def longest_wait(self) -> timedelta:
        """For how long the oldest pending analysis has waited."""
        return self.at - self.oldest_pending_at if self.oldest_pending_at else timedelta(0)

    @property
    def disk_is_low(self) -> bool:
        """Tell whether uploads will soon find no room."""
        enough = max(LEAST_FREE_BYTES, LEAST_FREE_SHARE * self.disk_total_bytes)
        return self.disk_free_bytes < min(enough, self.disk_total_bytes / 2)

    @property
    def problems(self) -> tuple[str, ...]:
        """Say in sentences what somebody has to look at."""
        found = []
        if not self.workers:
            found.append("No worker process is alive, so nothing is analyzed. Start a worker.")
        if not self.active_models:
            found.append("No model is active, so nothing is analyzed. Activate a model version.")
        found += [
            f"No worker process has loaded {model.version}. Look at the workers' log."
            for model in self.active_models
            if self.workers and not model.processes
        ]
        if self.longest_wait > LONGEST_WAIT:
            found.append("Analyses wait for more than two minutes. Start more workers.")
        if self.disk_is_low:
            found.append("The disk is nearly full. Make room before uploads fail.")
        return tuple(found)


def health() -> Health:
    """Return how the installation does now."""
    pending, oldest = _waiting()
    disk = shutil.disk_usage(settings.VAR_DIR)
    versions = {str(v.pk): v for v in ModelVersion.objects.active().select_related("examination_type")}
    processes = live_processes()
    return Health(
        at=timezone.now(),
        pending=pending,
        running=Analysis.objects.filter(state=AnalysisState.RUNNING).count(),
        failed=Analysis.objects.filter(state=AnalysisState.FAILED).count(),
        oldest_pending_at=oldest,
        users_waiting=User.objects.filter(status=UserStatus.PENDING).count(),
        conditions_proposed=Condition.objects.filter(state=ConditionState.PROPOSED).count(),
        workers=tuple(_worker(process, versions) for process in processes),
        active_models=tuple(_active(version, processes) for version in versions.values()),
        disk_free_bytes=disk.free,
        disk_total_bytes=disk.total,
        stored_bytes=_stored_bytes(),
    )


def _waiting() -> tuple[int, datetime | None]:
    """Return how many analyses are pending and since when the oldest one is."""
    pending = Analysis.objects.filter(state=AnalysisState.PENDING)
    found = pending.order_by().aggregate(count=Count("pk"), oldest=Min("requested_at"))
    return found["count"], found["oldest"]


def _worker(process: ServingProcess, versions: Mapping[str, ModelVersion]) -> Worker:
    loaded = (str(versions[key]) for key in process.models_loaded.values() if key in versions)
    return Worker(name=process.name, seen_at=process.seen_at, loaded=tuple(loaded))


def _active(version: ModelVersion, processes: Sequence[ServingProcess]) -> ActiveModel:
    key = str(version.pk)
    return ActiveModel(version, sum(key in process.models_loaded.values() for process in processes))


def _stored_bytes() -> int:
    total = cache.get("health.stored_bytes")
    if total is None:
        total = Instance.objects.aggregate(total=Sum("byte_count"))["total"] or 0
        cache.set("health.stored_bytes", total, STORED_BYTES_SECONDS)
    return int(total)

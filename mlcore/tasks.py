"""Wires between Celery and the serving and training of models."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from celery import shared_task
from celery.signals import beat_embedded_init, worker_process_init
from django.conf import settings
from kombu.exceptions import OperationalError

from medimaging.common.watchdog import follow_parent
from mlcore import pipeline, serving
from mlcore.models import TrainingTrigger

log = structlog.get_logger(__name__)


@worker_process_init.connect
def prepare_process(**_: Any) -> None:
    """Load the models in each worker process, after the fork: TensorFlow does not survive one.

    A process that only trains loads none, and steps back behind those that answer.
    """
    follow_parent()
    if settings.SERVES_MODELS:
        serving.start()
    else:
        step_back()


@beat_embedded_init.connect
def prepare_clock(**_: Any) -> None:
    """Let a clock inside of a worker end with it: two clocks would signal everything twice."""
    follow_parent()


def step_back() -> None:
    """Let this process train on few threads and at low priority, for as long as it lives."""
    from threadpoolctl import threadpool_limits

    from mlcore.engine.inference.runtime import limit_threads

    os.nice(settings.TRAINING_NICE)
    _let_the_session_step_back(settings.TRAINING_NICE // 3)
    limit_threads(settings.TRAINING_THREADS)
    threadpool_limits(settings.TRAINING_THREADS)


def _let_the_session_step_back(nice: int) -> None:
    """Step back as a session too, where this worker is one of its own.

    Linux shares the processors out between sessions first (sched(7), autogroup), and
    niceness counts inside of one alone. Where there is no such thing, nothing is lost.
    A session that steps back as far as a process may, gets a thirtieth of a busy
    processor, which is too little to renew a lease in time.
    """
    if os.getsid(0) not in {os.getpid(), os.getppid()}:
        return
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(nice))


@shared_task(name="mlcore.run_training")
def run_training(run_id: str) -> None:
    """Carry out one training; running it twice is harmless."""
    pipeline.run_training(run_id)


@shared_task(name="mlcore.judge_candidate")
def judge_candidate(version_id: str) -> None:
    """Hold a candidate against the model that answers now; doing it twice makes two equal reports."""
    pipeline.judge_candidate(version_id)


@shared_task(name="mlcore.reap_training")
def reap_training() -> None:
    """Take back what dead workers held, and signal again what was never started."""
    for run_id in pipeline.reap():
        signal(run_id)


@shared_task(name="mlcore.train_when_due")
def train_when_due() -> None:
    """Begin the trainings for which enough was signed."""
    for run_id in pipeline.open_due_runs():
        signal(run_id)


@shared_task(name="mlcore.train_by_schedule")
def train_by_schedule() -> None:
    """Begin the trainings of every examination type for which anything was signed."""
    for run_id in pipeline.open_due_runs(trigger=TrainingTrigger.SCHEDULE):
        signal(run_id)


def signal(run_id: str) -> None:
    """Tell the broker that a training waits.

    A broker that cannot be reached is no error: the row is the queue of record,
    and the reaper signals it again. The message goes stale when it does.
    """
    try:
        run_training.apply_async((run_id,), retry=False, expires=settings.TRAINING_QUEUE_SECONDS)
    except (OperationalError, OSError) as error:
        log.warning("broker_unreachable", training_run=run_id, error=type(error).__name__)


def signal_judging(version_id: str) -> None:
    """Tell the broker that a candidate is to be held against the model that answers now."""
    try:
        judge_candidate.apply_async((version_id,), retry=False)
    except (OperationalError, OSError) as error:
        log.warning("broker_unreachable", model_version=version_id, error=type(error).__name__)

"""Wires between Celery and the pipeline. A task carries ids only and makes one call."""

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from diagnosis import expiry, explaining, exporting, pipeline, removal

log = structlog.get_logger(__name__)


@shared_task(name="diagnosis.run_analysis")
def run_analysis(analysis_id: str) -> None:
    """Carry out one analysis; running it twice is harmless."""
    pipeline.run_analysis(analysis_id)


@shared_task(name="diagnosis.reap")
def reap() -> None:
    """Take back what dead workers held, and signal again what was never started."""
    for analysis_id in pipeline.reap():
        signal(analysis_id)
    for explanation_id in explaining.reap():
        signal_explanation(explanation_id)


@shared_task(name="diagnosis.expire_partial_uploads")
def expire_partial_uploads() -> None:
    """Remove what arrived of files that nobody finished sending."""
    expiry.expire_partial_uploads()


@shared_task(name="diagnosis.run_explanation")
def run_explanation(explanation_id: str) -> None:
    """Draw one map that was asked for; running it twice is harmless."""
    explaining.run_explanation(explanation_id)


@shared_task(name="diagnosis.remove_files")
def remove_files(erasure_id: str) -> None:
    """Remove the files of one confirmed erasure; doing it twice is harmless."""
    removal.remove_files(erasure_id)


@shared_task(name="diagnosis.finish_erasures")
def finish_erasures() -> None:
    """Carry out what a dead worker left of confirmed erasures."""
    for erasure_id in removal.unfinished_erasures():
        removal.remove_files(erasure_id)


def signal_erasure(erasure_id: str) -> None:
    """Tell the broker that files are to be removed; where it cannot be told, the clock does it."""
    try:
        remove_files.apply_async((erasure_id,), retry=False)
    except (OperationalError, OSError) as error:
        log.warning("broker_unreachable", erasure=erasure_id, error=type(error).__name__)


@shared_task(name="diagnosis.run_export")
def run_export(export_id: str) -> None:
    """Carry out one export; running it twice is harmless."""
    exporting.run_export(export_id)


@shared_task(name="diagnosis.reap_exports")
def reap_exports() -> None:
    """Remove old exports, take back what dead workers held, and signal again what was never started."""
    for export_id in exporting.due_exports():
        signal_export(export_id)


def signal_export(export_id: str) -> None:
    """Tell the broker that an export waits; where it cannot be told, the clock does it."""
    try:
        run_export.apply_async((export_id,), retry=False)
    except (OperationalError, OSError) as error:
        log.warning("broker_unreachable", export=export_id, error=type(error).__name__)


def signal(analysis_id: str) -> None:
    """Tell the broker that an analysis waits.

    A broker that cannot be reached is no error: the row is the queue of record,
    and the reaper signals it again.
    """
    try:
        run_analysis.apply_async((analysis_id,), retry=False)
    except (OperationalError, OSError) as error:
        log.warning("broker_unreachable", analysis=analysis_id, error=type(error).__name__)


def signal_explanation(explanation_id: str) -> None:
    """Tell the broker that a map was asked for; the reaper says it again where that fails."""
    try:
        run_explanation.apply_async((explanation_id,), retry=False)
    except (OperationalError, OSError) as error:
        log.warning("broker_unreachable", explanation=explanation_id, error=type(error).__name__)

"""What machines do after a person asked: carry out analyses, and take back what died."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from diagnosis import announcements
from diagnosis.latest import note_latest_analysis
from diagnosis.models import (
    Analysis,
    AnalysisState,
    Condition,
    Finding,
    Instance,
    SimilarInstance,
    Upload,
    UploadState,
)
from diagnosis.selectors.images import keep_thumbnail
from diagnosis.selectors.stored_maps import maps_of_nobody
from medimaging.common.states import LostRace
from medimaging.common.storage import delete_content, read_content, store_content
from mlcore import serving, similarity
from mlcore.engine.errors import EngineError, UnreadableImage
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.imaging.maps import encode_map
from mlcore.engine.types import DecodedImage, Prediction
from mlcore.services.datasets import settle_candidates

log = structlog.get_logger(__name__)

SIMILAR_SHOWN = 5
SIGNALED_AT_ONCE = 50
"""Analyses signaled again in one pass; bounds the messages that a long queue makes."""
UPLOAD_INTERRUPTED_AFTER = timedelta(minutes=15)


class UnknownClass(EngineError):
    """The model answers for a condition that the examination type does not have."""

    code = "unknown_class"
    mend = "Add the condition to the examination type, then retry."


@dataclass(frozen=True)
class Answer:
    """Everything an analysis found, before it is entered."""

    image: DecodedImage
    prediction: Prediction
    conditions: dict[str, Condition]
    saliency_keys: dict[str, str]
    similar: list[tuple[Instance, float]]


def run_analysis(analysis_id: str) -> None:
    """Carry out one pending analysis; one that is not pending is left alone."""
    analysis = _claim(analysis_id)
    if analysis is None:
        return
    try:
        answer = _answer(analysis)
    except EngineError as error:
        _fail(analysis, error)
    except FileNotFoundError:
        _fail(analysis, UnreadableImage("The stored file is missing.", mend="Restore it from a backup."))
    else:
        _finish(analysis, answer)
        keep_thumbnail(analysis.instance, answer.image)


def reap() -> list[str]:
    """Return the ids of analyses to signal, after taking back those whose worker died."""
    _reject_interrupted_uploads()
    settle_candidates()
    now = timezone.now()
    for analysis in Analysis.objects.filter(state=AnalysisState.RUNNING, lease_expires_at__lt=now):
        _take_back(analysis)
    waiting_since = now - timedelta(seconds=settings.ANALYSIS_QUEUE_SECONDS)
    waiting = Analysis.objects.filter(state=AnalysisState.PENDING, signaled_at__lte=waiting_since)
    ids = list(waiting.order_by("signaled_at").values_list("pk", flat=True)[:SIGNALED_AT_ONCE])
    Analysis.objects.filter(pk__in=ids).update(signaled_at=now)
    return [str(pk) for pk in ids]


def _claim(analysis_id: str) -> Analysis | None:
    """Take the analysis for this process, for the length of a lease."""
    analysis = (
        Analysis.objects.select_related("instance__series__study__owner", "model_version")
        .filter(pk=UUID(analysis_id), state=AnalysisState.PENDING, instance__quarantined_at=None)
        .first()
    )
    if analysis is None:
        return None
    now = timezone.now()
    try:
        return analysis.transition_to(
            AnalysisState.RUNNING,
            worker=serving.process_name(),
            attempts=analysis.attempts + 1,
            started_at=now,
            lease_expires_at=now + timedelta(seconds=settings.ANALYSIS_LEASE_SECONDS),
        )
    except LostRace:
        return None


def _answer(analysis: Analysis) -> Answer:
    instance = analysis.instance
    image = decode_image(read_content(instance.content_key))
    prediction = serving.predictor_for(analysis.model_version).predict(
        image, age_years=instance.series.study.patient_age_years
    )
    conditions = _conditions_of(analysis, [finding.condition for finding in prediction.findings])
    saliency_keys = {
        code: store_content(encode_map(saliency), kind="saliency", extension="png")
        for code, saliency in prediction.saliency_maps.items()
    }
    return Answer(image, prediction, conditions, saliency_keys, _similar(analysis, prediction))


def _conditions_of(analysis: Analysis, codes: list[str]) -> dict[str, Condition]:
    known = {
        condition.code: condition.merged_into or condition
        for condition in Condition.objects.filter(
            examination_type=analysis.instance.series.study.examination_type_id, code__in=codes
        ).select_related("merged_into")
    }
    if set(codes) - set(known):
        raise UnknownClass("The model answers for a condition that this examination type does not have.")
    return known


def _similar(analysis: Analysis, prediction: Prediction) -> list[tuple[Instance, float]]:
    """Return the nearest images of other patients that the study's owner may see.

    The search widens until enough of what it finds may be shown.
    """
    study = analysis.instance.series.study
    version = analysis.model_version.embedding_version
    stored = similarity.size(version)
    wanted = 10 * SIMILAR_SHOWN
    while True:
        neighbors = similarity.nearest(
            prediction.embedding, embedding_version=version, k=wanted, exclude_group=str(study.patient_id)
        )
        visible = _visible(owner=study.owner, keys=[neighbor.key for neighbor in neighbors])
        found = [(visible[n.key], n.distance) for n in neighbors if n.key in visible]
        if len(found) >= SIMILAR_SHOWN or wanted >= stored:
            return found[:SIMILAR_SHOWN]
        wanted *= 10


def _visible(*, owner: User, keys: list[str]) -> dict[str, Instance]:
    instances = Instance.objects.visible_to(owner).filter(pk__in=[UUID(key) for key in keys])
    return {str(instance.pk): instance for instance in instances}


def _finish(analysis: Analysis, answer: Answer) -> None:
    """Enter the answer and the state in one transaction; whoever lost the row enters nothing."""
    prediction = answer.prediction
    withheld = prediction.withheld
    try:
        with transaction.atomic():
            analysis.transition_to(
                AnalysisState.WITHHELD if withheld else AnalysisState.SUCCEEDED,
                finished_at=timezone.now(),
                lease_expires_at=None,
                frame_index=answer.image.frame_index,
                saliency_method=prediction.saliency_method if answer.saliency_keys else "",
                quality=dict(prediction.quality),
                withheld_reason=withheld.reason.value if withheld else "",
                withheld_message=withheld.message if withheld else "",
            )
            _enter(analysis, answer)
            announcements.analysis_finished(analysis)
    except LostRace:
        log.info("analysis_taken_by_another", analysis=str(analysis.pk))
        _drop_maps(answer)
        return
    log.info("analysis_finished", analysis=str(analysis.pk), state=analysis.state)


def _enter(analysis: Analysis, answer: Answer) -> None:
    Finding.objects.bulk_create(
        Finding(
            analysis=analysis,
            condition=answer.conditions[score.condition],
            probability=score.probability,
            operating_point=score.operating_point,
            saliency_key=answer.saliency_keys.get(score.condition, ""),
        )
        for score in answer.prediction.findings
    )
    note_latest_analysis(analysis.instance.series.study_id)
    SimilarInstance.objects.bulk_create(
        SimilarInstance(analysis=analysis, instance=instance, rank=rank, distance=distance)
        for rank, (instance, distance) in enumerate(answer.similar, start=1)
    )
    similarity.remember(
        answer.prediction.embedding,
        embedding_version=analysis.model_version.embedding_version,
        source_id=str(analysis.instance_id),
        group=str(analysis.instance.series.study.patient_id),
        layers=answer.prediction.layers,
    )


def _drop_maps(answer: Answer) -> None:
    """Remove the maps of an answer that came too late, but for those that another finding shows."""
    for key in maps_of_nobody(set(answer.saliency_keys.values())):
        delete_content(key)


def _fail(analysis: Analysis, error: EngineError) -> None:
    try:
        _end_failed(analysis, code=error.code, message=str(error))
    except LostRace:
        return
    log.warning("analysis_failed", analysis=str(analysis.pk), code=error.code)


@transaction.atomic
def _end_failed(analysis: Analysis, *, code: str, message: str) -> None:
    analysis.transition_to(
        AnalysisState.FAILED,
        finished_at=timezone.now(),
        lease_expires_at=None,
        failure_code=code,
        failure_message=message,
    )
    announcements.analysis_finished(analysis)


def _take_back(analysis: Analysis) -> None:
    """Return the work of a dead worker to the queue, or give up after too many attempts."""
    log.warning(
        "lease_expired", analysis=str(analysis.pk), worker=analysis.worker, attempts=analysis.attempts
    )
    try:
        if analysis.attempts >= settings.ANALYSIS_MAX_ATTEMPTS:
            _end_failed(
                analysis,
                code="worker_lost",
                message=f"The analysis was given up after {analysis.attempts} attempts, because the "
                "worker stopped each time. Retry it, or ask an administrator to look at the worker's log.",
            )
            return
        # Signaled in this same pass: the time is set back so that the row counts as long unsignaled.
        analysis.transition_to(
            AnalysisState.PENDING,
            lease_expires_at=None,
            signaled_at=timezone.now() - timedelta(days=1),
        )
    except LostRace:
        return


def _reject_interrupted_uploads() -> None:
    """Close uploads whose web process died before their verdict; nobody was told that they are kept."""
    Upload.objects.filter(
        state=UploadState.RECEIVED, received_at__lt=timezone.now() - UPLOAD_INTERRUPTED_AFTER
    ).update(
        state=UploadState.REJECTED,
        rejection_code="interrupted",
        rejection_message="The upload was interrupted.",
        rejection_mend="Send the file again.",
        finished_at=timezone.now(),
    )

"""What machines do after somebody asked for a map: draw it, and take back what died."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from diagnosis.models import Explanation, ExplanationState
from diagnosis.selectors.stored_maps import maps_of_nobody
from medimaging.common.states import LostRace
from medimaging.common.storage import delete_content, read_content, store_content
from mlcore import serving
from mlcore.engine.errors import EngineError, UnreadableImage
from mlcore.engine.explanation.methods import Method
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.imaging.maps import encode_map

log = structlog.get_logger(__name__)


def run_explanation(explanation_id: str) -> None:
    """Draw one pending map; one that is not pending is left alone."""
    explanation = _claim(explanation_id)
    if explanation is None:
        return
    try:
        key = _draw(explanation)
    except EngineError as error:
        _fail(explanation, code=error.code, message=str(error))
    except FileNotFoundError:
        missing = UnreadableImage("The stored file is missing.", mend="Restore it from a backup.")
        _fail(explanation, code=missing.code, message=str(missing))
    else:
        _enter(explanation, key)


def reap() -> list[str]:
    """Return the ids of maps to signal, after taking back those whose worker died."""
    now = timezone.now()
    for explanation in Explanation.objects.filter(state=ExplanationState.RUNNING, lease_expires_at__lt=now):
        if explanation.attempts >= settings.ANALYSIS_MAX_ATTEMPTS:
            words = "The worker stopped each time the map was drawn. Ask for another map."
            _fail(explanation, code="worker_lost", message=words)
        else:
            _move(explanation, ExplanationState.PENDING, signaled_at=now - timedelta(days=1))
    waiting_since = now - timedelta(seconds=settings.EXPLANATION_QUEUE_SECONDS)
    waiting = Explanation.objects.filter(state=ExplanationState.PENDING, signaled_at__lte=waiting_since)
    ids = list(waiting.order_by("signaled_at").values_list("pk", flat=True)[:50])
    Explanation.objects.filter(pk__in=ids).update(signaled_at=now)
    return [str(pk) for pk in ids]


def _claim(explanation_id: str) -> Explanation | None:
    """Take the map for this process, for the length of a lease."""
    found: Explanation | None = (
        Explanation.objects.select_related(
            "finding__condition", "finding__analysis__instance", "finding__analysis__model_version"
        )
        .filter(pk=UUID(explanation_id), state=ExplanationState.PENDING)
        .first()
    )
    if found is None:
        return None
    lease = timezone.now() + timedelta(seconds=settings.EXPLANATION_LEASE_SECONDS)
    return _move(found, ExplanationState.RUNNING, attempts=found.attempts + 1, lease_expires_at=lease)


def _draw(explanation: Explanation) -> str:
    """Return where the map is stored."""
    analysis = explanation.finding.analysis
    content = read_content(analysis.instance.content_key)
    drawn = serving.explainer_for(analysis.model_version).explain(
        decode_image(content, frame=analysis.frame_index),
        condition=_model_code(explanation),
        method=Method(explanation.method),
    )
    return store_content(encode_map(drawn.saliency_map), kind="saliency", extension="png")


def _enter(explanation: Explanation, key: str) -> None:
    """Enter the map, or drop it where the image was erased or another process was faster."""
    if _move(explanation, ExplanationState.SUCCEEDED, saliency_key=key, finished_at=timezone.now()) is None:
        for unwanted in maps_of_nobody({key}):
            delete_content(unwanted)


def _model_code(explanation: Explanation) -> str:
    """Return the condition by the name the model knows it under: it may have been merged since."""
    condition = explanation.finding.condition
    known = explanation.finding.analysis.model_version.classes
    merged = condition.merged_from.filter(code__in=known).values_list("code", flat=True)
    return condition.code if condition.code in known else next(iter(merged), condition.code)


def _fail(explanation: Explanation, *, code: str, message: str) -> None:
    log.warning("explanation_failed", explanation=str(explanation.pk), code=code)
    _move(
        explanation,
        ExplanationState.FAILED,
        failure_code=code,
        failure_message=message,
        finished_at=timezone.now(),
    )


def _move(explanation: Explanation, target: str, **changes: object) -> Explanation | None:
    """Move the row and give its lease up; None where another process was faster."""
    try:
        return explanation.transition_to(target, **{"lease_expires_at": None, **changes})
    except LostRace:
        return None

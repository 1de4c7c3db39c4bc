"""Pictures, for those who may see the study they are of."""

from collections.abc import Callable
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.templatetags.static import static
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from diagnosis.models import Analysis, Explanation, ExplanationState, Finding, Instance
from diagnosis.selectors import images, pixels
from diagnosis.selectors.blinding import answers_hidden_from
from diagnosis.views.common import ReaderRequest
from mlcore.engine.errors import ImageError

RENDERING = "1"
"""Part of every ETag; count it up when the same bytes are rendered differently."""
PIXELS_KEPT_SECONDS = 900
"""How long a browser shows stored values without asking whether its user may still see them."""
SMALLEST_SIDE, LARGEST_SIDE = 32, 8192


@login_required
@require_safe
def instance_image(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Answer with an instance as an 8-bit PNG, window and polarity applied."""
    instance = get_object_or_404(Instance.objects.visible_to(request.user), pk=pk)
    frame = _number(request, "frame")
    max_side = _number(request, "max_side")
    if max_side is not None:
        max_side = min(max(max_side, SMALLEST_SIDE), LARGEST_SIDE)
    if frame is not None and frame >= instance.frame_count:
        raise Http404
    etag = f"{RENDERING}-{instance.content_key}-{frame}-{max_side}"
    if frame is None and max_side == images.THUMBNAIL_SIDE:
        return _inert(request, etag, lambda: images.thumbnail(instance))
    return _inert(request, etag, lambda: images.display_png(instance, frame=frame, max_side=max_side))


@login_required
@require_safe
def frame_pixels(request: ReaderRequest, pk: UUID, frame: int) -> HttpResponseBase:
    """Answer with a frame's stored values, for the viewer that applies window and level itself."""
    visible = Instance.objects.visible_to(request.user)
    instance = get_object_or_404(visible.select_related("series"), pk=pk)
    if frame >= instance.frame_count:
        raise Http404
    etag = f"{RENDERING}-{instance.content_key}-{frame}-values"
    response = _inert(
        request,
        etag,
        lambda: pixels.frame_content(instance, frame=frame),
        content_type="application/octet-stream",
    )
    # What a key names never changes, and stepping through frames must not ask the server each time.
    response["Cache-Control"] = f"private, max-age={PIXELS_KEPT_SECONDS}, immutable"
    return response


@login_required
@require_safe
def finding_overlay(request: ReaderRequest, pk: int) -> HttpResponseBase:
    """Answer with a finding's saliency overlay, unless the reader has to read blind first."""
    visible = Analysis.objects.visible_to(request.user)
    findings = Finding.objects.filter(analysis__in=visible).exclude(saliency_key="")
    finding = get_object_or_404(findings.select_related("analysis__instance__series__study"), pk=pk)
    if answers_hidden_from(request.user, finding.analysis.instance.series.study):
        raise Http404
    etag = f"{RENDERING}-{finding.saliency_key}"
    return _inert(request, etag, lambda: images.overlay_png(finding))


@login_required
@require_safe
def explanation_overlay(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Answer with a map that was asked for, unless the reader has to read blind first."""
    drawn = Explanation.objects.visible_to(request.user).filter(state=ExplanationState.SUCCEEDED)
    explanation = get_object_or_404(drawn.select_related("finding__analysis__instance__series__study"), pk=pk)
    if answers_hidden_from(request.user, explanation.finding.analysis.instance.series.study):
        raise Http404
    etag = f"{RENDERING}-{explanation.saliency_key}"
    return _inert(request, etag, lambda: images.explanation_png(explanation))


@require_safe
def favicon(request: HttpRequest) -> HttpResponseBase:
    """Lead browsers that ask at the old address to the icon."""
    return redirect(static("favicon.svg"))


def _inert(
    request: ReaderRequest, etag: str, render: Callable[[], bytes], *, content_type: str = "image/png"
) -> HttpResponseBase:
    """Answer with bytes that only this browser may keep, and asks about each time.

    The sandbox keeps them inert even when they are opened as a page.
    """
    quoted = quote_etag(etag)
    response = get_conditional_response(request, etag=quoted)
    if response is None:
        try:
            response = HttpResponse(render(), content_type=content_type)
        except (ImageError, images.StoredFileMissing) as error:
            raise Http404 from error
    response["ETag"] = quoted
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "Cookie"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Content-Disposition"] = "inline"
    return response


def _number(request: ReaderRequest, name: str) -> int | None:
    raw = request.GET.get(name, "")
    if not raw:
        return None
    if not raw.isdecimal() or len(raw) > 6:
        raise Http404
    return int(raw)

"""Answer who handed in a file, or asked for an analysis."""

from http import HTTPStatus

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts.api.base import caller
from diagnosis.api.serializers.analyses import AnalysisSerializer
from diagnosis.api.serializers.instances import UploadAnswerSerializer
from diagnosis.models import Analysis, Upload, UploadState
from diagnosis.selectors.analyses import latest_analysis, shown_analyses
from diagnosis.services.analysis import wait_for_analysis
from medimaging.common.headers import preferred_wait
from medimaging.common.problems import problem
from mlcore.api.problems import status_of

RETRY_AFTER_SECONDS = "1"


def answer_upload(upload: Upload, *, request: Request) -> HttpResponse:
    """Say what became of the file, once the wait that the caller prefers is over."""
    if upload.state == UploadState.REJECTED or upload.instance is None:
        return _refusal(upload)
    analysis = latest_analysis(upload.instance)
    headers: dict[str, str] = {}
    if analysis is not None:
        analysis, headers = wait_as_preferred(analysis, request=request)
    ready = analysis is None or analysis.is_final
    if ready:
        headers["Location"] = reverse("api:instance-detail", args=[upload.instance.pk], request=request)
    body = UploadAnswerSerializer(
        {
            "upload": upload.pk,
            "duplicate": upload.duplicate,
            "instance": upload.instance,
            "analysis": analysis,
        },
        context={"request": request},
    ).data
    if upload.duplicate:
        return Response(body, status=HTTPStatus.OK, headers=headers)
    return Response(body, status=HTTPStatus.CREATED if ready else HTTPStatus.ACCEPTED, headers=headers)


def answer_analysis(analysis: Analysis, *, request: Request, status: int = HTTPStatus.OK) -> Response:
    """Return the analysis, once the wait that the caller prefers is over."""
    analysis, headers = wait_as_preferred(analysis, request=request)
    body = AnalysisSerializer(analysis, context={"request": request}).data
    return Response(body, status=status, headers=headers)


def wait_as_preferred(analysis: Analysis, *, request: Request) -> tuple[Analysis, dict[str, str]]:
    """Wait, and return the analysis as the caller may see it, with the headers that belong to it."""
    headers = {}
    seconds = preferred_wait(request)
    if seconds:
        analysis = wait_for_analysis(analysis, seconds=seconds)
        headers["Preference-Applied"] = f"wait={seconds}"
    if not analysis.is_final:
        headers["Location"] = reverse("api:analysis-detail", args=[analysis.pk], request=request)
        headers["Retry-After"] = RETRY_AFTER_SECONDS
    return shown_analyses(caller(request)).get(pk=analysis.pk), headers


def _refusal(upload: Upload) -> HttpResponse:
    return problem(
        status_of(upload.rejection_code),
        code=upload.rejection_code,
        detail=upload.rejection_message,
        mend=upload.rejection_mend,
        upload=upload.pk,
    )

"""Uploads that can be resumed: the tus protocol 1.0 (core, creation, termination, expiration).

The client is a vendored one. The last step is ours: when every byte has arrived, the
form is sent to the file's own address and the verdict comes back.
"""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, UnreadablePostError
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import http_date
from django.views.decorators.http import require_http_methods, require_POST

from diagnosis.forms import UploadForm
from diagnosis.models import PartialUpload
from diagnosis.services.partial_uploads import (
    add_part,
    begin_upload,
    discard_upload,
    expires_at,
    finish_upload,
)
from diagnosis.views.common import ReaderRequest, page
from diagnosis.views.upload import form_refusal, refused, verdict_answer
from medimaging.common.errors import ApplicationError
from medimaging.common.methods import answers_to

VERSION = "1.0.0"
PART_TYPE = "application/offset+octet-stream"
View = Callable[..., HttpResponseBase]


def tus(view: View) -> View:
    """Speak the protocol's version, and refuse in a sentence of plain text."""

    @wraps(view)
    def answered(request: ReaderRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            response = view(request, *args, **kwargs)
        except ApplicationError as error:
            response = HttpResponse(str(error), status=error.status, content_type="text/plain; charset=utf-8")
        response["Tus-Resumable"] = VERSION
        response["X-Content-Type-Options"] = "nosniff"
        return response

    return page(answered)


@tus
@require_http_methods(["POST", "OPTIONS"])
def begin(request: ReaderRequest) -> HttpResponseBase:
    """Say what is spoken here, or make room for one file."""
    if request.method == "OPTIONS":
        offered = {"Tus-Version": VERSION, "Tus-Extension": "creation,termination,expiration"}
        return HttpResponse(status=204, headers=offered)
    length = _whole_number(request, "Upload-Length")
    if length is None:
        return HttpResponse("Upload-Length is missing or no number.", status=400, content_type="text/plain")
    partial = begin_upload(by=request.user, byte_count=length)
    address = reverse("diagnosis:upload-part", args=[partial.pk])
    return HttpResponse(status=201, headers={"Location": address, **_where(partial)})


@answers_to("HEAD", "PATCH", "DELETE")
@tus
@require_http_methods(["HEAD", "PATCH", "DELETE"])
def part(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Say how much has arrived, take the next part, or forget the file."""
    partial = get_object_or_404(PartialUpload.objects.owned_by(request.user), pk=pk)
    if request.method == "DELETE":
        discard_upload(partial)
        return HttpResponse(status=204)
    if request.method == "PATCH":
        offset = _whole_number(request, "Upload-Offset")
        if offset is None or request.content_type != PART_TYPE:
            return HttpResponse("This is no part of a file.", status=415, content_type="text/plain")
        try:
            partial = add_part(partial, request.body, offset=offset)
        except RequestDataTooBig:
            limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
            return HttpResponse(
                f"Send parts of at most {limit} bytes.", status=413, content_type="text/plain"
            )
        except UnreadablePostError:
            return HttpResponse("The connection ended early.", status=400, content_type="text/plain")
        return HttpResponse(status=204, headers=_where(partial))
    length = {"Upload-Length": str(partial.byte_count)}
    return HttpResponse(status=200, headers={"Cache-Control": "no-store", **length, **_where(partial)})


@page
@require_POST
def finish(request: ReaderRequest, pk: UUID) -> JsonResponse:
    """Take the whole file in, and answer with its verdict."""
    partial = get_object_or_404(
        PartialUpload.objects.owned_by(request.user).select_related("upload__instance__series"), pk=pk
    )
    form = UploadForm(request.POST)
    if not form.is_valid():
        return form_refusal(form)
    try:
        upload = finish_upload(
            partial,
            by=request.user,
            examination_type=form.cleaned_data["examination_type"],
            patient_identifier=form.cleaned_data["patient_identifier"],
        )
    except ApplicationError as error:
        return refused(str(error), status=error.status)
    return verdict_answer(upload)


def _where(partial: PartialUpload) -> dict[str, str]:
    return {
        "Upload-Offset": str(partial.received_count),
        "Upload-Expires": http_date(expires_at(partial).timestamp()),
    }


def _whole_number(request: HttpRequest, name: str) -> int | None:
    sent = request.headers.get(name, "")
    return int(sent) if sent.isascii() and sent.isdecimal() and len(sent) < 16 else None

"""Hand images in."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from diagnosis.dicom.treatment import treated_elements
from diagnosis.forms import UploadForm
from diagnosis.models import Upload, UploadSource, UploadState
from diagnosis.selectors.rejections import rejection_words
from diagnosis.services.intake import receive
from diagnosis.services.quotas import UploadQuotaExceeded
from diagnosis.views.common import ReaderRequest, page
from medimaging.common.errors import ApplicationError
from mlcore.selectors import sole_examination_type


@page
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: ReaderRequest) -> HttpResponseBase:
    """Show the page, or take files in: one a request as JSON, or many from the plain form."""
    if request.method != "POST":
        return _page(request, UploadForm(initial={"examination_type": sole_examination_type()}))
    form = UploadForm(request.POST)
    files = request.FILES.getlist("files")
    wants_json = request.headers.get("Accept", "").startswith("application/json")
    if not form.is_valid():
        return (
            form_refusal(form) if wants_json else _page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        )
    if wants_json:
        return _answer_one(request, form, files)
    try:
        verdicts = [{"name": file.name or "", **_verdict_of(request, form, file)} for file in files]
    except ApplicationError as error:
        form.add_error("examination_type", str(error))
        return _page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if not files:
        form.add_error(None, _("No file was chosen. Choose one or more images and send again."))
    return _page(request, form, verdicts=verdicts)


def _answer_one(request: ReaderRequest, form: UploadForm, files: "list[UploadedFile[Any]]") -> JsonResponse:
    if len(files) != 1:
        return refused(_("Send exactly one file in each request."), status=HTTPStatus.BAD_REQUEST)
    try:
        received = _receive(request, form, files[0])
    except ApplicationError as error:
        return refused(str(error), status=error.status)
    return verdict_answer(received)


def verdict_answer(upload: Upload) -> JsonResponse:
    """Answer with what became of one file."""
    verdict = _verdict(upload)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if verdict["verdict"] == "rejected" else HTTPStatus.OK
    return JsonResponse(verdict, status=status)


def _verdict_of(request: ReaderRequest, form: UploadForm, file: "UploadedFile[Any]") -> dict[str, str]:
    """Take one of many files in; that the quota is used up says nothing of the files before it."""
    try:
        return _verdict(_receive(request, form, file))
    except UploadQuotaExceeded as error:
        return {"verdict": "rejected", "message": str(error), "study_url": ""}


def _receive(request: ReaderRequest, form: UploadForm, file: "UploadedFile[Any]") -> Upload:
    return receive(
        file.read(),
        by=request.user,
        source=UploadSource.PAGE,
        examination_type=form.cleaned_data["examination_type"],
        patient_identifier=form.cleaned_data["patient_identifier"],
    )


def _verdict(upload: Upload) -> dict[str, str]:
    """Return what became of one file, in words."""
    if upload.state == UploadState.REJECTED or upload.instance is None:
        return {"verdict": "rejected", "message": rejection_words(upload), "study_url": ""}
    url = reverse("diagnosis:study", args=[upload.instance.series.study_id])
    if upload.duplicate:
        message = _("The same image is stored already; nothing was added.")
        return {"verdict": "duplicate", "message": message, "study_url": url}
    return {"verdict": "accepted", "message": _("Stored, and queued for analysis."), "study_url": url}


def refused(message: str, *, status: int) -> JsonResponse:
    """Answer that a file was not taken, and why."""
    return JsonResponse({"verdict": "rejected", "message": message, "study_url": ""}, status=status)


def form_refusal(form: UploadForm) -> JsonResponse:
    """Answer with what is wrong with the fields beside the file."""
    sentences = [str(error) for errors in form.errors.values() for error in errors]
    return refused(" ".join(sentences), status=HTTPStatus.UNPROCESSABLE_ENTITY)


@page
@require_safe
def dicom_elements(request: ReaderRequest) -> JsonResponse:
    """Answer with the name of each DICOM element and what becomes of it, for the look before sending."""
    return JsonResponse(treated_elements())


def _page(
    request: ReaderRequest,
    form: UploadForm,
    *,
    verdicts: list[dict[str, str]] | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    megabytes = settings.UPLOAD_MAX_BYTES // 2**20
    context = {
        "form": form,
        "verdicts": verdicts or [],
        "max_bytes": settings.UPLOAD_MAX_BYTES,
        "hours": max(1, settings.UPLOAD_PART_SECONDS // 3600),
        "limit": ngettext("%(n)d MB a file", "%(n)d MB a file", megabytes) % {"n": megabytes},
    }
    return render(request, "diagnosis/upload.html", context, status=status)

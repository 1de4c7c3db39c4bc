"""STOW-RS: store instances."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpResponse
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.request import Request

from diagnosis.dicomweb.answers import json_answer
from diagnosis.dicomweb.media import DICOM, JSON, choose
from diagnosis.dicomweb.multipart import (
    LONGEST_BOUNDARY,
    BodyTooLong,
    MultipartError,
    MultipartLimits,
    read_parts,
)
from diagnosis.dicomweb.query import InvalidQuery
from diagnosis.dicomweb.store import store_parts
from diagnosis.dicomweb.store_answer import store_response, store_status
from diagnosis.dicomweb.views.base import DicomwebView
from diagnosis.selectors.limits import image_limits
from medimaging.common.problems import BodyTooLarge
from mlcore.models import ExaminationType


class StoringView(DicomwebView):
    """A resource to which instances can be sent."""

    accepts_chunks = True

    @property
    def max_body_bytes(self) -> int:
        """Return how long a request is read at most; it may hold many instances."""
        return int(settings.DICOMWEB_MAX_BYTES)

    def store(self, request: Request, *, study_uid: str = "") -> HttpResponse:
        """Store the instances of the body as they come in, and say what became of each."""
        choose(request, JSON, "application/json")
        limits = MultipartLimits(
            max_part_bytes=image_limits().max_bytes,
            max_body_bytes=self.max_body_bytes,
            max_parts=settings.DICOMWEB_MAX_INSTANCES,
        )
        parts = read_parts(_reader(request), boundary=_boundary(request), limits=limits)
        kind = _examination_type(request)
        try:
            outcomes = list(store_parts(parts, by=self.user, examination_type=kind, study_uid=study_uid))
        except BodyTooLong as error:
            raise BodyTooLarge(str(error)) from error
        except MultipartError as error:
            raise ParseError(str(error), code="invalid_multipart") from error
        body = store_response(outcomes, addresses=self.addresses).to_json_dict()
        return json_answer(body, status=store_status(outcomes))


def _boundary(request: Request) -> str:
    """Return the boundary of a multipart/related body of DICOM files.

    Raises:
        UnsupportedMediaType: the body is of another type.
        ParseError: it names no usable boundary.
    """
    kind, parameters = parse_header_parameters(request.content_type or "")
    if kind != "multipart/related" or parameters.get("type", DICOM).lower() != DICOM:
        raise UnsupportedMediaType(
            kind[:100], 'Send multipart/related; type="application/dicom" with a boundary.'
        )
    boundary: str = parameters.get("boundary", "")
    if not 1 <= len(boundary) <= LONGEST_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
        raise ParseError(
            f"The Content-Type names no boundary of 1 to {LONGEST_BOUNDARY} printable characters.",
            code="invalid_multipart",
        )
    return boundary


def _examination_type(request: Request) -> ExaminationType | None:
    code = request.query_params.get("examination_type", "")
    if not code:
        return None
    found: ExaminationType | None = ExaminationType.objects.filter(code=code[:64]).first()
    if found is None:
        raise InvalidQuery("'examination_type' is not the code of a type of examination.")
    return found


def _reader(request: Request) -> Callable[[int], bytes]:
    """Return how to read the body; one that comes in chunks ends by itself."""
    if request.META.get("HTTP_TRANSFER_ENCODING"):
        read: Callable[[int], bytes] = request.META["wsgi.input"].read
        return read
    return request._request.read

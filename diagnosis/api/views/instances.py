"""Instances: hand in, list, and look at."""

from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ReadOnlyEndpointSet
from accounts.api.permissions import AuditorsOnlyRead
from accounts.models import Scope
from accounts.permissions import ScopePermission
from diagnosis.api.filters import InstanceFilter, UploadFilter
from diagnosis.api.renderers import PNGRenderer
from diagnosis.api.serializers.instances import (
    InstanceSerializer,
    NewInstanceSerializer,
    PictureQuerySerializer,
    UploadAnswerSerializer,
    UploadSerializer,
)
from diagnosis.api.uploads import answer_upload
from diagnosis.models import Instance, Upload, UploadSource
from diagnosis.selectors.images import display_png
from diagnosis.services.intake import receive
from medimaging.common.openapi import PREFER_WAIT, TO_POLL
from medimaging.common.parsers import MULTIPART_OVERHEAD_BYTES, RawFileParser

NEW_INSTANCE: Any = {
    "multipart/form-data": NewInstanceSerializer,
    "application/dicom": OpenApiTypes.BINARY,
    "application/octet-stream": OpenApiTypes.BINARY,
    "image/*": OpenApiTypes.BINARY,
}
EXAMINATION_TYPE = OpenApiParameter(
    name="examination_type", type=str, description="Code, where the body is the file itself."
)


class InstanceViewSet(ReadOnlyEndpointSet):
    """The stored images that the caller may see."""

    queryset = Instance.objects.none()
    serializer_class = InstanceSerializer
    filterset_class = InstanceFilter
    permission_classes = [ScopePermission, AuditorsOnlyRead]
    parser_classes = [MultiPartParser, RawFileParser]
    write_scope = Scope.UPLOAD
    cursor_ordering = ("-created_at", "id")

    @property
    def max_body_bytes(self) -> int:
        """Return how long an upload is read at most, with what multipart adds to it."""
        return int(settings.UPLOAD_MAX_BYTES) + MULTIPART_OVERHEAD_BYTES

    def get_queryset(self) -> QuerySet[Instance]:
        """Return the visible instances."""
        visible: QuerySet[Instance] = Instance.objects.visible_to(self.user).select_related("series")
        return visible

    @extend_schema(
        parameters=[PREFER_WAIT, EXAMINATION_TYPE, *TO_POLL],
        request=NEW_INSTANCE,
        responses={200: UploadAnswerSerializer, 201: UploadAnswerSerializer, 202: UploadAnswerSerializer},
    )
    def create(self, request: Request) -> HttpResponse:
        """Hand in one file, as multipart `file` or as the body itself.

        201 when its analysis is final within `Prefer: wait=N`, else 202 with the
        `Location` of the analysis to poll; 200 when the same bytes were here before.
        A file that cannot be used is refused with what is wrong and how to mend it.
        """
        asked = NewInstanceSerializer(data=_sent(request))
        asked.is_valid(raise_exception=True)
        content = asked.validated_data.pop("file").read()
        upload = receive(content, by=self.user, source=UploadSource.REST, **asked.validated_data)
        return answer_upload(upload, request=request)

    @extend_schema(parameters=[PictureQuerySerializer], responses={(200, "image/png"): OpenApiTypes.BINARY})
    @action(detail=True, renderer_classes=[PNGRenderer], filterset_class=None, pagination_class=None)
    def image(self, request: Request, pk: str) -> Response:
        """Return the image as an 8-bit PNG, window and polarity applied."""
        wanted = PictureQuerySerializer(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        return Response(display_png(self.get_object(), **wanted.validated_data))


class UploadViewSet(ReadOnlyEndpointSet):
    """What the caller handed in, with its verdicts."""

    queryset = Upload.objects.none()
    serializer_class = UploadSerializer
    filterset_class = UploadFilter
    cursor_ordering = ("-received_at", "id")

    def get_queryset(self) -> QuerySet[Upload]:
        """Return the visible uploads."""
        visible: QuerySet[Upload] = Upload.objects.visible_to(self.user)
        return visible


def _sent(request: Request) -> Any:
    """Return the fields that were sent; a body that is the file has its fields in the query."""
    if (request.content_type or "").startswith("multipart/"):
        if len(request.FILES.getlist("file")) > 1:
            raise ValidationError({"file": ["Send one file in each request."]})
        return request.data
    sent = {"file": request.FILES.get("file") or SimpleUploadedFile("file", b"")}
    if "examination_type" in request.query_params:
        sent["examination_type"] = request.query_params["examination_type"]
    return sent

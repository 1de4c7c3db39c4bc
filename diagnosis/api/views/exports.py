"""Exports: ask, poll, download."""

from http import HTTPStatus
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts.api.base import ReadOnlyEndpointSet
from accounts.models import Scope
from diagnosis.api.renderers import AnyRenderer
from diagnosis.models import Export, ExportFormat, ExportKind, ExportState
from diagnosis.services.exports import open_export, request_export
from mlcore.models import DatasetVersion

POLL_SECONDS = "2"


class ExportSerializer(serializers.ModelSerializer[Export]):
    """An export, and where its file is while there is one."""

    download = serializers.SerializerMethodField()

    class Meta:
        model = Export
        fields = [
            "id",
            "kind",
            "format",
            "dataset_version",
            "state",
            "row_count",
            "byte_count",
            "sha256",
            "failure_code",
            "failure_message",
            "requested_at",
            "finished_at",
            "expires_at",
            "download",
        ]

    def get_download(self, export: Export) -> str | None:
        """Return the address of the file, or null where there is none."""
        if not export.is_downloadable:
            return None
        return reverse("api:export-download", args=[export.pk], request=self.context["request"])


class NewExportSerializer(serializers.Serializer[Any]):
    """What is to be exported."""

    kind = serializers.ChoiceField(choices=ExportKind.choices)
    format = serializers.ChoiceField(
        choices=ExportFormat.choices, required=False, help_text="csv for tables, zip for datasets."
    )
    dataset_version = serializers.PrimaryKeyRelatedField[DatasetVersion](
        queryset=DatasetVersion.objects.all(), required=False
    )


class ExportFilter(django_filters.FilterSet):
    """Filters of exports."""

    kind = django_filters.ChoiceFilter(choices=ExportKind.choices)
    state = django_filters.ChoiceFilter(choices=ExportState.choices)

    class Meta:
        model = Export
        fields: list[str] = []


class ExportViewSet(ReadOnlyEndpointSet):
    """The caller's exports: a worker writes what the caller may see to a file that is kept for a day."""

    queryset = Export.objects.none()
    serializer_class = ExportSerializer
    filterset_class = ExportFilter
    write_scope = Scope.READ
    cursor_ordering = ("-requested_at", "id")

    def get_queryset(self) -> QuerySet[Export]:
        """Return the caller's own exports."""
        visible: QuerySet[Export] = Export.objects.visible_to(self.user)
        return visible

    @extend_schema(request=NewExportSerializer, responses={202: ExportSerializer})
    def create(self, request: Request) -> Response:
        """Queue an export; poll the address in Location until its state is final."""
        asked = NewExportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        export = request_export(by=self.user, **asked.validated_data)
        headers = {"Location": self.reverse_action("detail", args=[export.pk]), "Retry-After": POLL_SECONDS}
        return Response(self.get_serializer(export).data, status=HTTPStatus.ACCEPTED, headers=headers)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True, renderer_classes=[AnyRenderer], filterset_class=None, pagination_class=None)
    def download(self, request: Request, pk: str) -> FileResponse:
        """Return the file; 410 once it has expired. Each download is noted in the audit trail."""
        export = self.get_object()
        file = open_export(export, by=self.user)
        name = f"{export.kind}-{export.requested_at:%Y%m%d-%H%M%S}.{export.format}"
        return FileResponse(file, as_attachment=True, filename=name, content_type="application/octet-stream")
